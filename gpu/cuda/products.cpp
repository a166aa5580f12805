#include "gpu/cuda/blas.hpp"
#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/stream.hpp"

#include <cassert>

namespace troupe::gpu::cuda {
namespace {

/// Blocks of scratch memory begin where the widest loads can.
constexpr std::size_t alignment = 256;

template <class T>
void product(device_stream& on, const basic_matrix<const T>& a,
    const basic_matrix<const T>& b, matrix c, float alpha, float beta,
    precision held) {
  assert(!c.transposed && "a product is stored row by row");
  const auto inner = a.transposed ? a.rows : a.columns;
  assert(
      inner == (b.transposed ? b.columns : b.rows) && "inner extents differ");
  if (c.size() == 0)
    return;
  of(on).products().multiply(c.rows, c.columns, inner,
      {a.data, a.columns, a.transposed}, {b.data, b.columns, b.transposed},
      c.data, c.columns, alpha, beta, held);
}

bf16_matrix rounded(device_stream& on, const const_matrix& x, bf16* to) {
  cuda::to_bf16(on, x.span(), {to, x.size()});
  bf16_matrix result{{to, x.size()}, x.rows, x.columns};
  result.transposed = x.transposed;
  return result;
}

} // namespace

void multiply(device_stream& on, const_matrix a, const_matrix b, matrix c,
    float alpha, float beta) {
  if (on.products() == precision::fp32)
    return product(on, a, b, c, alpha, beta, precision::fp32);
  const auto first =
      (a.size() * sizeof(bf16) + alignment - 1) / alignment * alignment;
  auto* room =
      static_cast<std::byte*>(of(on).scratch(first + b.size() * sizeof(bf16)));
  cuda::multiply(on, rounded(on, a, reinterpret_cast<bf16*>(room)),
      rounded(on, b, reinterpret_cast<bf16*>(room + first)), c, alpha, beta);
}

void multiply(device_stream& on, bf16_matrix a, bf16_matrix b, matrix c,
    float alpha, float beta) {
  product(on, a, b, c, alpha, beta, precision::bf16);
}

} // namespace troupe::gpu::cuda
