#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

#include <cuda_runtime.h>

namespace troupe::gpu::cuda {

/// What CUDA or one of its libraries refused, with the place that asked.
class cuda_error : public std::runtime_error {
public:
  cuda_error(const std::string& what, std::source_location where);
};

/// Throws `cuda_error` unless `code` is success.
void check(cudaError_t code,
    std::source_location where = std::source_location::current());

} // namespace troupe::gpu::cuda
