#include <cstdio>

#include "tests/support/cuda_emulation/machine.hpp"

using namespace troupe::cuda_emulation;

namespace {

// Those of Hopper, where a program could look.
void describe(cudaDeviceProp& card, int device) {
  card = {};
  std::snprintf(card.name, sizeof card.name, "emulated GPU (host)");
  card.uuid.bytes[15] = static_cast<char>(device + 1);
  card.totalGlobalMem = the_machine().device_bytes;
  card.sharedMemPerBlock = 48 << 10;
  card.sharedMemPerBlockOptin = 48 << 10;
  card.sharedMemPerMultiprocessor = 228 << 10;
  card.regsPerBlock = 65536;
  card.warpSize = 32;
  card.maxThreadsPerBlock = 1024;
  card.maxThreadsDim[0] = card.maxThreadsDim[1] = 1024;
  card.maxThreadsDim[2] = 64;
  card.maxGridSize[0] = 2147483647;
  card.maxGridSize[1] = card.maxGridSize[2] = 65535;
  card.major = 9;
  card.multiProcessorCount = 1;
  card.maxThreadsPerMultiProcessor = 2048;
  card.l2CacheSize = 1 << 20;
  card.concurrentKernels = card.asyncEngineCount = 1;
  card.unifiedAddressing = card.memoryPoolsSupported = 1;
  card.pciBusID = device + 1;
}

cudaError_t fill(int* value, int with,
    std::source_location where = std::source_location::current()) {
  if (auto code = entered(where); code != cudaSuccess)
    return told(code);
  *value = with;
  return cudaSuccess;
}

} // namespace

cudaError_t cudaGetDeviceCount(int* count) {
  *count = the_machine().device_count;
  return told(entered());
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (!is_device(device))
    return told(cudaErrorInvalidDevice);
  describe(*properties, device);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(
    int* value, cudaDeviceAttr what, int device) {
  cudaDeviceProp card;
  if (auto code = cudaGetDeviceProperties(&card, device); code != cudaSuccess)
    return code;
  switch (what) {
  case cudaDevAttrMaxThreadsPerBlock:
    return fill(value, card.maxThreadsPerBlock);
  case cudaDevAttrMaxSharedMemoryPerBlock:
  case cudaDevAttrMaxSharedMemoryPerBlockOptin:
    return fill(value, static_cast<int>(card.sharedMemPerBlock));
  case cudaDevAttrWarpSize:
    return fill(value, card.warpSize);
  case cudaDevAttrMultiProcessorCount:
    return fill(value, card.multiProcessorCount);
  case cudaDevAttrMaxThreadsPerMultiProcessor:
    return fill(value, card.maxThreadsPerMultiProcessor);
  case cudaDevAttrComputeCapabilityMajor:
    return fill(value, card.major);
  case cudaDevAttrComputeCapabilityMinor:
    return fill(value, card.minor);
  case cudaDevAttrMemoryPoolsSupported:
    return fill(value, card.memoryPoolsSupported);
  }
  return told(cudaErrorInvalidValue);
}

cudaError_t cudaGetDevice(int* device) {
  return fill(device, current_device());
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  if (auto code = entered_outside_captures(); code != cudaSuccess)
    return told(code);
  for (auto& one : streams_of(current_device()))
    one->queue.wait();
  return cudaSuccess;
}

cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  if (!is_device(device) || !is_device(peer))
    return told(cudaErrorInvalidDevice);
  return fill(can, 0);
}

cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned) {
  return told(is_device(peer) ? cudaErrorPeerAccessUnsupported
                              : cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  return told(
      is_device(peer) ? cudaErrorPeerAccessNotEnabled : cudaErrorInvalidDevice);
}
