// CUV: the C libraries below the gateway, as one module. No logic: only what Swift cannot import
// by itself (macros, variadic functions) is given a function here.
#ifndef CUV_H
#define CUV_H

#include <llhttp.h>
#include <nghttp2/nghttp2.h>
#include <uv.h>
#include <yaml.h>
#include <yyjson.h>
#include <zlib.h>

#include "openssl_shim.h"
#include "process_shim.h"
#include "uv_shim.h"
#include "vector_shim.h"

#endif
