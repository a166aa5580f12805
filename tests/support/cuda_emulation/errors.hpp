#pragma once

/// The error codes of CUDA that occur here: name, number, what it says.
#define TROUPE_CUDA_ERRORS(X)                                                  \
  X(cudaSuccess, 0, "no error")                                                \
  X(cudaErrorInvalidValue, 1, "invalid argument")                              \
  X(cudaErrorMemoryAllocation, 2, "out of memory")                             \
  X(cudaErrorInitializationError, 3, "initialization error")                   \
  X(cudaErrorInvalidConfiguration, 9, "invalid configuration argument")        \
  X(cudaErrorInvalidDevicePointer, 17, "invalid device pointer")               \
  X(cudaErrorInvalidMemcpyDirection, 21, "invalid copy direction for memcpy")  \
  X(cudaErrorInsufficientDriver, 35, "driver too old for this runtime")        \
  X(cudaErrorNoDevice, 100, "no CUDA-capable device is detected")              \
  X(cudaErrorInvalidDevice, 101, "invalid device ordinal")                     \
  X(cudaErrorPeerAccessUnsupported, 217, "peer access is not supported")       \
  X(cudaErrorInvalidResourceHandle, 400, "invalid resource handle")            \
  X(cudaErrorIllegalState, 401, "the operation cannot be performed now")       \
  X(cudaErrorNotReady, 600, "device not ready")                                \
  X(cudaErrorIllegalAddress, 700, "an illegal memory access was encountered")  \
  X(cudaErrorLaunchTimeout, 702, "the launch timed out and was terminated")    \
  X(cudaErrorPeerAccessAlreadyEnabled, 704, "peer access is already enabled")  \
  X(cudaErrorPeerAccessNotEnabled, 705, "peer access has not been enabled")    \
  X(cudaErrorAssert, 710, "device-side assert triggered")                      \
  X(cudaErrorHardwareStackError, 714, "hardware stack error")                  \
  X(cudaErrorIllegalInstruction, 715, "an illegal instruction was found")      \
  X(cudaErrorMisalignedAddress, 716, "misaligned address")                     \
  X(cudaErrorInvalidAddressSpace, 717, "operation not in this address space")  \
  X(cudaErrorInvalidPc, 718, "invalid program counter")                        \
  X(cudaErrorLaunchFailure, 719, "unspecified launch failure")                 \
  X(cudaErrorNotPermitted, 800, "operation not permitted")                     \
  X(cudaErrorNotSupported, 801, "operation not supported")                     \
  X(cudaErrorStreamCaptureUnsupported, 900, "not while a stream captures")     \
  X(cudaErrorStreamCaptureInvalidated, 901, "the capture was spoiled before")  \
  X(cudaErrorStreamCaptureMerge, 902, "this would merge two captures")         \
  X(cudaErrorStreamCaptureUnmatched, 903, "the capture began elsewhere")       \
  X(cudaErrorStreamCaptureUnjoined, 904, "a captured stream was not joined")   \
  X(cudaErrorStreamCaptureIsolation, 905, "captured work needs other work")    \
  X(cudaErrorStreamCaptureImplicit, 906, "not on the legacy stream")           \
  X(cudaErrorCapturedEvent, 907, "the event was recorded in a capture")        \
  X(cudaErrorStreamCaptureWrongThread, 908, "another thread began capturing")  \
  X(cudaErrorUnknown, 999, "unknown error")

enum cudaError {
#define TROUPE_ENUMERATE(name, number, text) name = number,
  TROUPE_CUDA_ERRORS(TROUPE_ENUMERATE)
#undef TROUPE_ENUMERATE
};
using cudaError_t = cudaError;

cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char* cudaGetErrorName(cudaError_t code);
const char* cudaGetErrorString(cudaError_t code);

namespace troupe::cuda_emulation {

/// Every call of the API returns through this, which keeps the thread's last
/// error.
cudaError_t told(cudaError_t code) noexcept;

/// Ends the process with a text about a fault that CUDA would not survive, or
/// not tell of.
[[noreturn, gnu::format(printf, 1, 2)]] void die(const char* text, ...);

} // namespace troupe::cuda_emulation
