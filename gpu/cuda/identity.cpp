#include "gpu/cuda/identity.hpp"

#include <cuda_runtime.h>

#include "gpu/cuda/error.hpp"

namespace troupe::gpu::cuda {

std::string uuid(int device) {
  cudaDeviceProp card;
  check(cudaGetDeviceProperties(&card, device));
  std::string result = "GPU";
  for (std::size_t i = 0; i < sizeof card.uuid.bytes; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10)
      result += '-';
    const auto byte = static_cast<unsigned char>(card.uuid.bytes[i]);
    result += "0123456789abcdef"[byte >> 4];
    result += "0123456789abcdef"[byte & 15];
  }
  return result;
}

} // namespace troupe::gpu::cuda
