#pragma once

#include <functional>

#include "tests/support/cuda_emulation/runtime_api.hpp"

namespace troupe::cuda_emulation {

/// Queues what a library would launch kernels for, as one task of a stream. It
/// may touch that device's memory; as such a library it refuses to be recorded,
/// and spoils the recording.
cudaError_t queue_task(cudaStream_t stream, std::function<void()> task);

} // namespace troupe::cuda_emulation
