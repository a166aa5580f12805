#include "tests/support/cuda_emulation/mishaps.hpp"

#include "tests/support/cuda_emulation/machine.hpp"

namespace troupe::cuda_emulation {
namespace {

void set_failure(int device, cudaError_t code) {
  auto& all = the_machine();
  std::lock_guard lock{all.guard};
  all.devices.at(static_cast<std::size_t>(device)).failed = code;
}

} // namespace

void queue_fault(cudaStream_t stream, cudaError_t code) {
  const auto on = find(stream);
  if (!on)
    die("a fault was queued on no stream");
  static_cast<void>(submit(
      stream, [device = on->device, code] { set_failure(device, code); }));
}

void mend(int device) {
  set_failure(device, cudaSuccess);
}

unsigned property_queries() {
  return the_machine().property_queries;
}

} // namespace troupe::cuda_emulation
