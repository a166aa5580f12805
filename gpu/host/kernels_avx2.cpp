#include "gpu/host/kernel_templates.hpp"

#include <immintrin.h>

namespace troupe::gpu::host {
namespace {

struct avx2 {
  using vec = __m256;
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
  static vec broadcast(const float* from) { return _mm256_set1_ps(*from); }
  static vec multiply_add(vec a, vec b, vec c) {
    return _mm256_fmadd_ps(a, b, c);
  }
  // Of a NaN and a number, maxps takes its second operand.
  static vec at_least(float floor, vec x) {
    return _mm256_max_ps(_mm256_set1_ps(floor), x);
  }
};

} // namespace

extern const kernels avx2_kernels;
constexpr kernels avx2_kernels = make_kernels<avx2>();

} // namespace troupe::gpu::host
