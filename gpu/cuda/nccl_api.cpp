#include "gpu/cuda/nccl_api.hpp"

#include <exception>
#include <stdexcept>

namespace troupe::gpu::cuda {

const char* to_string(nccl_result code) noexcept {
  switch (code) {
  case nccl_result::success:
    return "ncclSuccess";
  case nccl_result::unhandled_cuda_error:
    return "ncclUnhandledCudaError";
  case nccl_result::system_error:
    return "ncclSystemError";
  case nccl_result::internal_error:
    return "ncclInternalError";
  case nccl_result::invalid_argument:
    return "ncclInvalidArgument";
  case nccl_result::invalid_usage:
    return "ncclInvalidUsage";
  case nccl_result::remote_error:
    return "ncclRemoteError";
  case nccl_result::in_progress:
    return "ncclInProgress";
  }
  return "an error that this build does not know";
}

const nccl_api& nccl() {
#ifdef TROUPE_WITH_NCCL
  return open_nccl();
#else
  throw std::runtime_error("this build has no NCCL: build it where nccl.h and "
                           "the CUDA toolkit are installed");
#endif
}

std::string nccl_name() {
  if (const auto why = nccl_absence(); !why.empty())
    return "no NCCL: " + why;
#ifdef TROUPE_WITH_NCCL
  const auto number = nccl_version();
  return "NCCL " + std::to_string(number / 10000) + '.' +
         std::to_string(number % 10000 / 100) + '.' +
         std::to_string(number % 100);
#else
  return {};
#endif
}

std::string nccl_absence() {
  try {
    static_cast<void>(nccl());
    return {};
  } catch (const std::exception& e) {
    return e.what();
  }
}

} // namespace troupe::gpu::cuda
