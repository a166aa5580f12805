#pragma once

#include <bitset>

#include <cuda_runtime.h>

namespace troupe::gpu::cuda {

inline constexpr int most_devices = 64;

/// Where all memory of ours on one device comes from: a pool of its own, as the
/// device's default one belongs to everybody in the process. It keeps what was
/// freed, so that taking memory costs a microsecond and no synchronisation, and
/// every GPU that can reach it may use it: NCCL writes into buffers of others,
/// and copies go directly. Usable from any thread; lasts until the process
/// ends.
class pool {
public:
  /// That of a device, made when it is first asked for.
  static const pool& of(int device);

  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  cudaMemPool_t handle() const noexcept { return handle_; }
  /// Whether copies and kernels of that device may touch the memory.
  bool reached_by(int device) const noexcept {
    return reached_by_[static_cast<std::size_t>(device)];
  }

private:
  explicit pool(int device);
  void open_to(int peer);

  cudaMemPool_t handle_ = nullptr;
  std::bitset<most_devices> reached_by_;
};

} // namespace troupe::gpu::cuda
