#pragma once

#include <bit>
#include <cmath>

#include "tests/support/cuda_emulation/vector_types.hpp"

/// The upper half of a float.
struct __nv_bfloat16 {
  unsigned short bits;
  __nv_bfloat16() = default;
  explicit __nv_bfloat16(float value);
  explicit operator float() const;
};
using nv_bfloat16 = __nv_bfloat16;

struct alignas(4) __nv_bfloat162 {
  __nv_bfloat16 x, y;
};
using nv_bfloat162 = __nv_bfloat162;

inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 a) {
  return a.bits;
}
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) {
  return std::bit_cast<__nv_bfloat16>(bits);
}

/// To the nearest, ties to even; every NaN becomes 0x7fff, as there.
inline __nv_bfloat16 __float2bfloat16_rn(float a) {
  if (std::isnan(a))
    return __ushort_as_bfloat16(0x7fff);
  auto bits = std::bit_cast<unsigned>(a);
  bits += 0x7fff + (bits >> 16 & 1);
  return __ushort_as_bfloat16(static_cast<unsigned short>(bits >> 16));
}
inline __nv_bfloat16 __float2bfloat16(float a) {
  return __float2bfloat16_rn(a);
}
inline float __bfloat162float(__nv_bfloat16 a) {
  return std::bit_cast<float>(static_cast<unsigned>(a.bits) << 16);
}

inline __nv_bfloat16::__nv_bfloat16(float value)
    : bits(__float2bfloat16_rn(value).bits) {}
inline __nv_bfloat16::operator float() const {
  return __bfloat162float(*this);
}

inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) {
  return {__float2bfloat16_rn(x), __float2bfloat16_rn(y)};
}
inline __nv_bfloat162 __float22bfloat162_rn(float2 a) {
  return __floats2bfloat162_rn(a.x, a.y);
}
inline float2 __bfloat1622float2(__nv_bfloat162 a) {
  return {__bfloat162float(a.x), __bfloat162float(a.y)};
}
