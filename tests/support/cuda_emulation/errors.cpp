#include "tests/support/cuda_emulation/errors.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace troupe::cuda_emulation {

namespace {
thread_local cudaError_t last_error = cudaSuccess;
} // namespace

cudaError_t told(cudaError_t code) noexcept {
  if (code != cudaSuccess)
    last_error = code;
  return code;
}

void die(const char* text, ...) {
  std::va_list arguments;
  va_start(arguments, text);
  std::fputs("CUDA emulation: ", stderr);
  std::vfprintf(stderr, text, arguments);
  std::fputc('\n', stderr);
  va_end(arguments);
  std::abort();
}

} // namespace troupe::cuda_emulation

using namespace troupe::cuda_emulation;

cudaError_t cudaGetLastError() {
  return std::exchange(last_error, cudaSuccess);
}

cudaError_t cudaPeekAtLastError() {
  return last_error;
}

const char* cudaGetErrorName(cudaError_t code) {
  switch (code) {
#define TROUPE_NAME(name, number, text)                                        \
  case name:                                                                   \
    return #name;
    TROUPE_CUDA_ERRORS(TROUPE_NAME)
#undef TROUPE_NAME
  }
  return "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t code) {
  switch (code) {
#define TROUPE_TEXT(name, number, text)                                        \
  case name:                                                                   \
    return text;
    TROUPE_CUDA_ERRORS(TROUPE_TEXT)
#undef TROUPE_TEXT
  }
  return "unrecognized error code";
}
