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

std::set<int>& reached_from(int device) {
  return the_machine().devices.at(static_cast<std::size_t>(device)).reaches;
}

cudaError_t fill(int* value, int with,
    std::source_location where = std::source_location::current()) {
  if (auto code = entered(where); code != cudaSuccess)
    return told(code);
  *value = with;
  return cudaSuccess;
}

} // namespace

// Needs no context.
cudaError_t cudaGetDeviceCount(int* count) {
  *count = the_machine().device_count;
  return told(*count > 0 ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (!is_device(device))
    return told(cudaErrorInvalidDevice);
  ++the_machine().property_queries;
  describe(*properties, device);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(
    int* value, cudaDeviceAttr what, int device) {
  if (!is_device(device))
    return told(cudaErrorInvalidDevice);
  cudaDeviceProp card;
  describe(card, device);
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

// Whoever captures and in whichever mode, a device with a stream that captures
// may not be waited for.
cudaError_t cudaDeviceSynchronize() {
  if (auto code = entered_outside_captures(); code != cudaSuccess)
    return told(code);
  const auto all = streams_of(current_device());
  {
    std::lock_guard lock{the_machine().guard};
    bool captures = false;
    for (const auto& one : all)
      if (one->recording)
        captures = one->recording->spoiled = true;
    if (captures)
      return told(cudaErrorStreamCaptureUnsupported);
  }
  for (auto& one : all)
    one->queue.wait();
  return told(failure_of(current_device()));
}

cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  if (!is_device(device) || !is_device(peer))
    return told(cudaErrorInvalidDevice);
  return fill(can, the_machine().peers && device != peer ? 1 : 0);
}

// For what cudaMalloc took; pools have an access of their own.
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (!is_device(peer) || peer == current_device())
    return told(cudaErrorInvalidDevice);
  if (flags != 0)
    return told(cudaErrorInvalidValue);
  if (!the_machine().peers)
    return told(cudaErrorPeerAccessUnsupported);
  std::lock_guard lock{the_machine().guard};
  return told(reached_from(current_device()).insert(peer).second
                  ? cudaSuccess
                  : cudaErrorPeerAccessAlreadyEnabled);
}

cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (!is_device(peer))
    return told(cudaErrorInvalidDevice);
  std::lock_guard lock{the_machine().guard};
  return told(reached_from(current_device()).erase(peer) > 0
                  ? cudaSuccess
                  : cudaErrorPeerAccessNotEnabled);
}
