#include "gpu/cuda/error.hpp"

#include <string_view>

namespace troupe::gpu::cuda {
namespace {

std::string place(std::source_location where) {
  std::string_view file = where.file_name();
  return std::string{file.substr(file.rfind('/') + 1)} + ':' +
         std::to_string(where.line());
}

} // namespace

cuda_error::cuda_error(const std::string& what, std::source_location where)
    : std::runtime_error(what + " (" + place(where) + ')') {}

void check(cudaError_t code, std::source_location where) {
  if (code == cudaSuccess)
    return;
  cudaGetLastError(); // or the next call would be blamed for it
  throw cuda_error{std::string{"CUDA: "} + cudaGetErrorName(code) + ", " +
                       cudaGetErrorString(code),
      where};
}

} // namespace troupe::gpu::cuda
