#include "gpu/cuda/pool.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>

#include "gpu/cuda/error.hpp"

namespace troupe::gpu::cuda {

// Never destroyed: buffers may outlive every static object.
const pool& pool::of(int device) {
  static std::mutex guard;
  static auto* all = new std::array<std::unique_ptr<pool>, most_devices>;
  std::lock_guard lock{guard};
  auto& one = all->at(static_cast<std::size_t>(device));
  if (!one)
    one.reset(new pool{device});
  return *one;
}

pool::pool(int device) {
  cudaMemPoolProps how{};
  how.allocType = cudaMemAllocationTypePinned;
  how.handleTypes = cudaMemHandleTypeNone;
  how.location = {cudaMemLocationTypeDevice, device};
  check_made(cudaMemPoolCreate(&handle_, &how));
  try {
    auto all = std::numeric_limits<std::uint64_t>::max();
    check(cudaMemPoolSetAttribute(
        handle_, cudaMemPoolAttrReleaseThreshold, &all));
    reached_by_.set(static_cast<std::size_t>(device));
    int devices = 0;
    check(cudaGetDeviceCount(&devices));
    for (int peer = 0; peer < devices && peer < most_devices; ++peer) {
      int can = 0;
      if (peer != device)
        check(cudaDeviceCanAccessPeer(&can, peer, device));
      if (can != 0)
        open_to(peer);
    }
  } catch (...) {
    static_cast<void>(cudaMemPoolDestroy(handle_));
    throw;
  }
}

void pool::open_to(int peer) {
  cudaMemAccessDesc access{};
  access.location = {cudaMemLocationTypeDevice, peer};
  access.flags = cudaMemAccessFlagsProtReadWrite;
  check(cudaMemPoolSetAccess(handle_, &access, 1));
  reached_by_.set(static_cast<std::size_t>(peer));
}

} // namespace troupe::gpu::cuda
