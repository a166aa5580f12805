#include "gpu/host/vector_kernels.hpp"

#include <immintrin.h>

namespace troupe::gpu::host {
namespace {

struct avx2 {
  using vec = __m256;
  using mask = __m256;
  static constexpr std::size_t width = 8;
  static constexpr std::size_t registers = 16;

  static __m256i first(std::size_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
        _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static vec load(const float* from) { return _mm256_loadu_ps(from); }
  static vec load_part(const float* from, std::size_t count) {
    return _mm256_maskload_ps(from, first(count));
  }
  static void store(float* to, vec x) { _mm256_storeu_ps(to, x); }
  static void store_part(float* to, vec x, std::size_t count) {
    _mm256_maskstore_ps(to, first(count), x);
  }
  static vec all(float x) { return _mm256_set1_ps(x); }
  static float sum(vec x) {
    const auto four =
        _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const auto two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
  static vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
  static vec multiply(vec a, vec b) { return _mm256_mul_ps(a, b); }
  static vec multiply_add(vec a, vec b, vec c) {
    return _mm256_fmadd_ps(a, b, c);
  }
  static vec divide(vec a, vec b) { return _mm256_div_ps(a, b); }
  static vec square_root(vec x) { return _mm256_sqrt_ps(x); }
  // Of a NaN and a number, maxps takes its second operand.
  static vec at_least(vec floor, vec x) { return _mm256_max_ps(floor, x); }
  static vec larger(vec a, vec b) {
    const auto nan = _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
    return _mm256_blendv_ps(_mm256_max_ps(a, b), a, nan);
  }
  static mask above(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
  static mask equal(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
  static mask both(mask m, mask n) { return _mm256_and_ps(m, n); }
  static mask without(mask m, mask n) { return _mm256_andnot_ps(n, m); }
  static vec where(mask m, vec x) { return _mm256_and_ps(m, x); }
};

} // namespace

extern const kernels avx2_kernels;
constexpr kernels avx2_kernels = make_kernels<avx2>();

} // namespace troupe::gpu::host
