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

// The sixteen lower-case hexadecimal digits of a word, as characters. Swift's own vectors take the lanes
// one by one for this.
static inline cuv_int8x16 cuv_hex_digits(uint64_t word) {
  typedef unsigned char lanes __attribute__((ext_vector_type(16)));
  typedef uint64_t words __attribute__((ext_vector_type(2)));
  // The first digit belongs in the first lane, which holds the lowest byte.
  const lanes both = (lanes)(words){__builtin_bswap64(word), 0};
  const lanes upper = both >> 4, lower = both & 0x0F;
  const lanes digits = __builtin_shufflevector(
      upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return (cuv_int8x16)digits + '0' + ((cuv_int8x16)(digits > 9) & 0x27);
}

#endif
