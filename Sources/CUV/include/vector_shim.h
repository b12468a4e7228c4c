// Vectors: the one instruction that turns sixteen lanes into sixteen bits, which Swift cannot name.
#ifndef CUV_VECTOR_SHIM_H
#define CUV_VECTOR_SHIM_H

#include <stdint.h>
#include <string.h>

typedef signed char cuv_int8x16 __attribute__((ext_vector_type(16)));

// One bit for each lane, the first lane's lowest. Every lane must be all ones or all zeros.
static inline uint32_t cuv_lane_bits(cuv_int8x16 lanes) {
#ifdef __SSE2__
  typedef char bytes __attribute__((__vector_size__(16)));
  return (uint32_t)__builtin_ia32_pmovmskb128((bytes)lanes);
#else
  // A bit of its own from each byte of a half, gathered in the highest byte by multiplication.
  uint64_t halves[2];
  memcpy(halves, &lanes, sizeof halves);
  const uint64_t each = 0x8040201008040201u, sum = 0x0101010101010101u;
  return (uint32_t)((halves[0] & each) * sum >> 56 | (halves[1] & each) * sum >> 56 << 8);
#endif
}

#endif
