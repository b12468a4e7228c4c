// SwiftPM wants one C source in a C target.
#include "CUV.h"
