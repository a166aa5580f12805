#pragma once

#include <cstddef>
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

/// Throws `cuda_error` unless `code` is success. Of a kernel's faults CUDA only
/// tells whoever asks for something later; the text then says so.
void check(cudaError_t code,
    std::source_location where = std::source_location::current());
/// Likewise for calls that make something of the driver's: lack of memory is
/// `out_of_memory`.
void check_made(cudaError_t code,
    std::source_location where = std::source_location::current());

/// Whether TROUPE_CUDA_SYNC asks for it, and is not 0: every launch is then
/// waited for, so that a fault is told where its kernel was queued.
bool launches_are_waited_for() noexcept;

/// Throws `std::length_error` for more than kernels or libraries count to:
/// "65536 rows of a lane in a linear layer, the limit is 42730
/// (linear.cu:190)".
void check_limit(std::size_t count, std::size_t most, const char* what,
    std::source_location where = std::source_location::current());

/// Rounded up: "3 MiB".
std::string mebibytes(std::size_t bytes);

} // namespace troupe::gpu::cuda
