#pragma once

#include <string>

namespace troupe::gpu::cuda {

/// What a GPU is called everywhere, whatever its number in this process:
/// "GPU-" and its UUID.
std::string uuid(int device);

} // namespace troupe::gpu::cuda
