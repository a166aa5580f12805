#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <cuda_runtime.h>

#include "gpu/cuda/runtime.hpp"
#include "gpu/device_stream.hpp"

namespace troupe::gpu::cuda {

class blas; // gpu/cuda/blas.hpp
class dnn;  // gpu/cuda/dnn.hpp

/// The CUDA side of a `device_stream`: shared by the stream and by the memory
/// that was taken in its order, so that it lives until both are gone.
class stream {
public:
  explicit stream(int device);
  ~stream();
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  /// Makes the stream's device the calling thread's, as launches need it.
  cudaStream_t handle() const;
  int device() const noexcept { return device_; }
  /// This stream's cuBLAS handle, made when it is first asked for; as `handle`.
  blas& products();
  /// Its cuDNN, likewise; null where there is none that works.
  dnn* convolutions();

  /// Memory in the order of this stream; throws `out_of_memory`.
  void* take(std::size_t bytes);
  void give(void* block) noexcept;
  /// Memory for the operator that is queued next; the one after it may have the
  /// same. Stays until the stream ends, because recordings hold it.
  void* scratch(std::size_t bytes);

private:
  int device_;
  cudaStream_t handle_ = nullptr;
  std::vector<void*> scratch_; // the last is the largest
  std::size_t scratch_bytes_ = 0;
  std::unique_ptr<blas> products_;
  std::optional<std::unique_ptr<dnn>> convolutions_;
};

/// The CUDA side of `on`, which is on a GPU.
inline stream& of(const device_stream& on) {
  return *on.cuda();
}
inline cudaStream_t handle(const device_stream& on) {
  return of(on).handle();
}

} // namespace troupe::gpu::cuda
