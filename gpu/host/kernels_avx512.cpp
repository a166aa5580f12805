#include "gpu/host/vector_kernels.hpp"

#include <immintrin.h>

namespace troupe::gpu::host {
namespace {

struct avx512 {
  using vec = __m512;
  using mask = __mmask16;
  static constexpr std::size_t width = 16;
  static constexpr std::size_t registers = 32;

  static mask first(std::size_t count) {
    return static_cast<mask>((1u << count) - 1u);
  }
  static vec load(const float* from) { return _mm512_loadu_ps(from); }
  static vec load_part(const float* from, std::size_t count) {
    return _mm512_maskz_loadu_ps(first(count), from);
  }
  static void store(float* to, vec x) { _mm512_storeu_ps(to, x); }
  static void store_part(float* to, vec x, std::size_t count) {
    _mm512_mask_storeu_ps(to, first(count), x);
  }
  static vec all(float x) { return _mm512_set1_ps(x); }
  static float sum(vec x) {
    const auto high = _mm512_castpd_ps(
        _mm512_shuffle_f64x2(_mm512_castps_pd(x), _mm512_castps_pd(x), 0b1110));
    const auto eight =
        _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_castps512_ps256(high));
    const auto four = _mm_add_ps(
        _mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const auto two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
  static vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
  static vec multiply(vec a, vec b) { return _mm512_mul_ps(a, b); }
  static vec multiply_add(vec a, vec b, vec c) {
    return _mm512_fmadd_ps(a, b, c);
  }
  static vec divide(vec a, vec b) { return _mm512_div_ps(a, b); }
  static vec square_root(vec x) { return _mm512_sqrt_ps(x); }
  // Of a NaN and a number, maxps takes its second operand.
  static vec at_least(vec floor, vec x) { return _mm512_max_ps(floor, x); }
  static vec larger(vec a, vec b) {
    const auto nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    return _mm512_mask_mov_ps(at_least(a, b), nan, a);
  }
  static mask above(vec a, vec b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
  }
  static mask equal(vec a, vec b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
  }
  static mask both(mask m, mask n) { return static_cast<mask>(m & n); }
  static mask without(mask m, mask n) { return static_cast<mask>(m & ~n); }
  static vec where(mask m, vec x) { return _mm512_maskz_mov_ps(m, x); }
};

} // namespace

extern const kernels avx512_kernels;
constexpr kernels avx512_kernels = make_kernels<avx512>();

} // namespace troupe::gpu::host
