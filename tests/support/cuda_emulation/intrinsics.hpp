#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

// CUDA's intrinsics with IEEE semantics, as far as Troupe uses them. The
// sources are compiled without contraction, so that plain operators round once.

inline float __fadd_rn(float a, float b) {
  return a + b;
}
inline float __fsub_rn(float a, float b) {
  return a - b;
}
inline float __fmul_rn(float a, float b) {
  return a * b;
}
inline float __fdiv_rn(float a, float b) {
  return a / b;
}
inline float __fmaf_rn(float a, float b, float c) {
  return std::fma(a, b, c);
}
inline float __fsqrt_rn(float a) {
  return std::sqrt(a);
}
inline double __dadd_rn(double a, double b) {
  return a + b;
}
inline double __dsub_rn(double a, double b) {
  return a - b;
}
inline double __dmul_rn(double a, double b) {
  return a * b;
}
inline double __ddiv_rn(double a, double b) {
  return a / b;
}
inline double __fma_rn(double a, double b, double c) {
  return std::fma(a, b, c);
}
inline double __dsqrt_rn(double a) {
  return std::sqrt(a);
}

inline float rsqrtf(float a) {
  return 1.0f / std::sqrt(a);
}
inline double rsqrt(double a) {
  return 1.0 / std::sqrt(a);
}
inline float __expf(float a) {
  return std::exp(a);
}
inline float __logf(float a) {
  return std::log(a);
}
inline float __fdividef(float a, float b) {
  return a / b;
}
inline float __saturatef(float a) {
  return a > 0.0f ? (a < 1.0f ? a : 1.0f) : 0.0f; // NaN becomes 0
}

namespace troupe::cuda_emulation {

/// To the nearest integer, ties to even; saturates, as CUDA's conversions do.
template <class Integer, class Real>
Integer nearest(Real a, Integer of_nan) {
  using limits = std::numeric_limits<Integer>;
  if (std::isnan(a))
    return of_nan;
  auto whole = std::nearbyint(a);
  if (whole >= -static_cast<Real>(limits::min()))
    return limits::max();
  return whole < static_cast<Real>(limits::min()) ? limits::min()
                                                  : static_cast<Integer>(whole);
}

} // namespace troupe::cuda_emulation

inline long long __double2ll_rn(double a) {
  return troupe::cuda_emulation::nearest<long long>(
      a, std::numeric_limits<long long>::min());
}
inline long long __float2ll_rn(float a) {
  return troupe::cuda_emulation::nearest<long long>(
      a, std::numeric_limits<long long>::min());
}
inline int __double2int_rn(double a) {
  return troupe::cuda_emulation::nearest<int>(
      a, std::numeric_limits<int>::min());
}
inline int __float2int_rn(float a) {
  return troupe::cuda_emulation::nearest<int>(a, 0);
}
inline double __ll2double_rn(long long a) {
  return static_cast<double>(a);
}
inline float __ll2float_rn(long long a) {
  return static_cast<float>(a);
}
inline double __int2double_rn(int a) {
  return a;
}
inline float __int2float_rn(int a) {
  return static_cast<float>(a);
}
inline float __uint2float_rn(unsigned a) {
  return static_cast<float>(a);
}
inline float __double2float_rn(double a) {
  return static_cast<float>(a);
}

inline int __float_as_int(float a) {
  return std::bit_cast<int>(a);
}
inline unsigned __float_as_uint(float a) {
  return std::bit_cast<unsigned>(a);
}
inline float __int_as_float(int a) {
  return std::bit_cast<float>(a);
}
inline float __uint_as_float(unsigned a) {
  return std::bit_cast<float>(a);
}
inline long long __double_as_longlong(double a) {
  return std::bit_cast<long long>(a);
}
inline double __longlong_as_double(long long a) {
  return std::bit_cast<double>(a);
}

inline int __popc(unsigned a) {
  return std::popcount(a);
}
inline int __popcll(unsigned long long a) {
  return std::popcount(a);
}
inline int __clz(int a) {
  return std::countl_zero(static_cast<unsigned>(a));
}
inline int __clzll(long long a) {
  return std::countl_zero(static_cast<unsigned long long>(a));
}
inline int __ffs(int a) {
  return a == 0 ? 0 : std::countr_zero(static_cast<unsigned>(a)) + 1;
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((std::uint64_t{a} * b) >> 32);
}
inline unsigned long long __umul64hi(
    unsigned long long a, unsigned long long b) {
  __extension__ using wide = unsigned __int128;
  return static_cast<unsigned long long>((static_cast<wide>(a) * b) >> 64);
}

template <class T>
T __ldg(const T* where) {
  return *where;
}

template <class T>
void __stwb(T* where, T value) {
  *where = value;
}

// Device code calls these without std.
#define TROUPE_LESSER_AND_GREATER(type)                                        \
  inline type min(type a, type b) {                                            \
    return b < a ? b : a;                                                      \
  }                                                                            \
  inline type max(type a, type b) {                                            \
    return a < b ? b : a;                                                      \
  }
TROUPE_LESSER_AND_GREATER(int)
TROUPE_LESSER_AND_GREATER(unsigned)
TROUPE_LESSER_AND_GREATER(long)
TROUPE_LESSER_AND_GREATER(unsigned long)
TROUPE_LESSER_AND_GREATER(long long)
TROUPE_LESSER_AND_GREATER(unsigned long long)
#undef TROUPE_LESSER_AND_GREATER
inline float min(float a, float b) {
  return std::fmin(a, b);
}
inline float max(float a, float b) {
  return std::fmax(a, b);
}
inline double min(double a, double b) {
  return std::fmin(a, b);
}
inline double max(double a, double b) {
  return std::fmax(a, b);
}
