#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <vector>

#include <cuda_runtime.h>

#include "gpu/cuda/runtime.hpp"
#include "gpu/device_stream.hpp"

namespace troupe::gpu::cuda {

class blas; // gpu/cuda/blas.hpp
class dnn;  // gpu/cuda/dnn.hpp
class pool; // gpu/cuda/pool.hpp

/// The CUDA side of a `device_stream`: shared by the stream and by the memory
/// that was taken in its order, so that it lives until both are gone. Places
/// are those that errors name.
class stream {
public:
  using place = std::source_location;

  explicit stream(int device);
  ~stream();
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  /// Makes the stream's device the calling thread's, as launches need it, and
  /// leaves it so, as everything here does: to go back to a device would make a
  /// context there, some hundred MiB, for a thread that had none.
  cudaStream_t handle(place at = place::current()) const;
  int device() const noexcept { return device_; }
  /// To be called after every launch: waits for it if TROUPE_CUDA_SYNC is set.
  void launched(place at = place::current()) const;
  /// Whether it is.
  bool waits_for_launches() const noexcept { return waits_for_launches_; }
  /// This stream's cuBLAS handle, made when it is first asked for; as `handle`.
  blas& products();
  /// Its cuDNN, likewise; null where it is not installed.
  dnn* convolutions();

  /// Memory in the order of this stream; throws `out_of_memory`.
  void* take(std::size_t bytes, place at = place::current());
  void give(void* block) noexcept;
  /// Memory for the operator that is queued next; the one after it may have the
  /// same. Stays until the stream ends, because recordings hold it.
  void* scratch(std::size_t bytes);

  /// As `device_stream::notify`. What a device that has failed never calls goes
  /// with the stream.
  void notify(std::function<void()> then, place at = place::current());

private:
  struct desk; // what `notify` was asked for

  int device_;
  bool waits_for_launches_;
  const pool& memory_;
  std::shared_ptr<desk> desk_;
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
inline cudaStream_t handle(
    const device_stream& on, stream::place at = stream::place::current()) {
  return of(on).handle(at);
}

} // namespace troupe::gpu::cuda
