#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "gpu/precision.hpp"

namespace troupe::gpu::cuda {

class stream; // gpu/cuda/stream.hpp
using gpu::precision;

/// cuBLAS on one stream, with a workspace of its own, so that equal calls give
/// equal bits whatever else the device does. TF32 stays off. cuBLAS is opened
/// when the first one is made; where it is missing that throws
/// `library_missing` with what to install. Lack of memory is `out_of_memory`.
class blas {
public:
  /// Of a stream that outlives it.
  explicit blas(stream& on);
  ~blas();
  blas(const blas&) = delete;
  blas& operator=(const blas&) = delete;

  /// "cuBLAS 13.1.0"; why there is none, where there is none.
  static std::string name();

  struct operand {
    const void* data = nullptr;
    std::size_t stride = 0;  ///< between rows, as stored
    bool transposed = false; ///< row-major, and read the other way
  };
  /// c = alpha * a * b + beta * c, all row-major; c [rows, columns] in fp32
  /// with `stride` between rows, a and b in `held`. Throws `std::length_error`
  /// for sizes that cuBLAS cannot count.
  void multiply(std::size_t rows, std::size_t columns, std::size_t inner,
      operand a, operand b, float* c, std::size_t stride, float alpha,
      float beta, precision held);

private:
  struct closer {
    void operator()(void* handle) const noexcept;
  };
  struct giver {
    stream* to;
    void operator()(void* workspace) const noexcept;
  };

  stream& on_;
  std::unique_ptr<void, giver> workspace_; // the handle uses it
  std::unique_ptr<void, closer> handle_;
};

} // namespace troupe::gpu::cuda
