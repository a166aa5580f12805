#include "gpu/host/kernel_templates.hpp"

#include <immintrin.h>

namespace troupe::gpu::host {
namespace {

struct avx512 {
  using vec = __m512;
  static constexpr std::size_t width = 16;
  static constexpr std::size_t registers = 32;

  static __mmask16 first(std::size_t count) {
    return static_cast<__mmask16>((1u << count) - 1u);
  }
  static vec load(const float* from) { return _mm512_loadu_ps(from); }
  static vec load_part(const float* from, std::size_t count) {
    return _mm512_maskz_loadu_ps(first(count), from);
  }
  static void store(float* to, vec x) { _mm512_storeu_ps(to, x); }
  static void store_part(float* to, vec x, std::size_t count) {
    _mm512_mask_storeu_ps(to, first(count), x);
  }
  static vec broadcast(const float* from) { return _mm512_set1_ps(*from); }
  static vec multiply_add(vec a, vec b, vec c) {
    return _mm512_fmadd_ps(a, b, c);
  }
  // Of a NaN and a number, maxps takes its second operand. (GCC 12 warns of
  // the form without a mask; with all of it set it is the same instruction.)
  static vec at_least(float floor, vec x) {
    return _mm512_maskz_max_ps(0xffff, _mm512_set1_ps(floor), x);
  }
};

} // namespace

extern const kernels avx512_kernels;
constexpr kernels avx512_kernels = make_kernels<avx512>();

} // namespace troupe::gpu::host
