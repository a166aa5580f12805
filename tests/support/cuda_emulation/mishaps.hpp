#pragma once

#include "tests/support/cuda_emulation/runtime_api.hpp"

// What no CUDA call does: for tests that need a device in trouble, or to look
// behind the driver.
namespace troupe::cuda_emulation {

/// Queues what ends a device with `code`, as a kernel does that touches memory
/// of nobody's: from there on nothing queued on the device is done, host
/// functions neither, and every call that meets it answers `code`.
void queue_fault(cudaStream_t stream, cudaError_t code);

/// The device works again; what it lost stays lost. For the next test.
void mend(int device);

/// How often programs asked for the properties of a device, which takes a
/// driver milliseconds.
unsigned property_queries();

} // namespace troupe::cuda_emulation
