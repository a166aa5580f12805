#include "gpu/cuda/launch.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace troupe::gpu::cuda {

// Asked once a kernel, which is always launched in the same threads.
unsigned resident_blocks(
    const queued_by& who, const void* kernel, unsigned threads) {
  static std::mutex guard;
  static std::map<std::pair<int, const void*>, unsigned> known;
  const auto device = of(who.on).device();
  std::lock_guard lock{guard};
  auto& result = known[{device, kernel}];
  if (result == 0) {
    static_cast<void>(handle(who.on, who.at)); // makes the device the thread's
    int of_each = 0, multiprocessors = 0;
    check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(
              &of_each, kernel, static_cast<int>(threads), 0),
        who.at);
    check(cudaDeviceGetAttribute(
              &multiprocessors, cudaDevAttrMultiProcessorCount, device),
        who.at);
    result = static_cast<unsigned>(std::max(of_each * multiprocessors, 1));
  }
  return result;
}

} // namespace troupe::gpu::cuda
