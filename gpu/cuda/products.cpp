#include "gpu/cuda/blas.hpp"
#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/stream.hpp"

#include <cassert>

namespace troupe::gpu::cuda {

void multiply(device_stream& on, const_matrix a, const_matrix b, matrix c,
    float alpha, float beta) {
  assert(!c.transposed && "a product is stored row by row");
  const auto inner = a.transposed ? a.rows : a.columns;
  assert(
      inner == (b.transposed ? b.columns : b.rows) && "inner extents differ");
  if (c.size() == 0)
    return;
  of(on).products().multiply(c.rows, c.columns, inner,
      {a.data, a.columns, a.transposed}, {b.data, b.columns, b.transposed},
      c.data, c.columns, alpha, beta, precision::fp32);
}

} // namespace troupe::gpu::cuda
