#include "gpu/operators/products.hpp"

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"

#include <cblas.h>

#include <algorithm>
#include <stdexcept>

namespace troupe::gpu {
namespace {

std::size_t rows(const const_matrix& x) {
  return x.transposed ? x.columns : x.rows;
}

std::size_t columns(const const_matrix& x) {
  return x.transposed ? x.rows : x.columns;
}

CBLAS_TRANSPOSE order(const const_matrix& x) {
  return x.transposed ? CblasTrans : CblasNoTrans;
}

} // namespace

void multiply(device_stream& on, const_matrix a, const_matrix b, matrix c,
    float alpha, float beta) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::multiply(on, a, b, c, alpha, beta);
  assert(!c.transposed && "a product is stored row by row");
  assert(columns(a) == rows(b) && "inner extents differ");
  assert(c.rows == rows(a) && c.columns == columns(b) && "outer extents");
  if (c.size() == 0)
    return;
  const auto stride = [](std::size_t n) { return blasint(std::max(n, 1ul)); };
  cblas_sgemm(CblasRowMajor, order(a), order(b), blasint(rows(a)),
      blasint(columns(b)), blasint(columns(a)), alpha, a.data,
      stride(a.columns), b.data, stride(b.columns), beta, c.data,
      stride(c.columns));
}

void multiply(device_stream& on, bf16_matrix a, bf16_matrix b, matrix c,
    float alpha, float beta) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::multiply(on, a, b, c, alpha, beta);
  throw std::invalid_argument("bf16 needs a GPU");
}

void to_bf16(
    device_stream& on, std::span<const float> from, std::span<bf16> to) {
  assert(from.size() == to.size());
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::to_bf16(on, from, to);
  std::ranges::transform(from, to.begin(), [](float x) { return to_bf16(x); });
}

} // namespace troupe::gpu
