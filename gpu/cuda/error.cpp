#include "gpu/cuda/error.hpp"

#include <cstdlib>
#include <string_view>

#include "gpu/out_of_memory.hpp"

namespace troupe::gpu::cuda {
namespace {

std::string place(std::source_location where) {
  std::string_view file = where.file_name();
  return " (" + std::string{file.substr(file.rfind('/') + 1)} + ':' +
         std::to_string(where.line()) + ')';
}

/// Whether it ends the context, so that calls that have nothing to do with it
/// answer it, too.
bool comes_late(cudaError_t code) {
  switch (code) {
  case cudaErrorIllegalAddress:
  case cudaErrorLaunchTimeout:
  case cudaErrorAssert:
  case cudaErrorHardwareStackError:
  case cudaErrorIllegalInstruction:
  case cudaErrorMisalignedAddress:
  case cudaErrorInvalidAddressSpace:
  case cudaErrorInvalidPc:
  case cudaErrorLaunchFailure:
    return true;
  default:
    return false;
  }
}

std::string text_of(cudaError_t code) {
  std::string text = std::string{"CUDA: "} + cudaGetErrorName(code) + ", " +
                     cudaGetErrorString(code);
  if (comes_late(code) && !launches_are_waited_for())
    text += "; some kernel queued before may be to blame, TROUPE_CUDA_SYNC=1 "
            "tells which";
  return text;
}

} // namespace

cuda_error::cuda_error(const std::string& what, std::source_location where)
    : std::runtime_error(what + place(where)) {}

void check(cudaError_t code, std::source_location where) {
  if (code == cudaSuccess)
    return;
  static_cast<void>(cudaGetLastError()); // or the next call would be blamed
  throw cuda_error{text_of(code), where};
}

void check_made(cudaError_t code, std::source_location where) {
  if (code == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    throw out_of_memory{"CUDA has no memory for what it is to make" +
                        place(where) +
                        "; fewer slots or a smaller batch may help"};
  }
  check(code, where);
}

bool launches_are_waited_for() noexcept {
  const char* text = std::getenv("TROUPE_CUDA_SYNC");
  return text != nullptr && *text != '\0' && std::string_view{text} != "0";
}

void check_limit(std::size_t count, std::size_t most, const char* what,
    std::source_location where) {
  if (count > most)
    throw std::length_error(std::to_string(count) + ' ' + what +
                            ", the limit is " + std::to_string(most) +
                            place(where));
}

std::string mebibytes(std::size_t bytes) {
  return std::to_string((bytes >> 20) + (bytes % (1u << 20) != 0)) + " MiB";
}

} // namespace troupe::gpu::cuda
