#include "tests/support/cuda_emulation/machine.hpp"

using namespace troupe::cuda_emulation;

namespace {

bool is_pool(cudaMemPool_t pool) {
  return pool != nullptr && is_device(pool->device);
}

} // namespace

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (!is_device(device))
    return told(cudaErrorInvalidDevice);
  *pool = &the_machine().devices.at(static_cast<std::size_t>(device)).pool;
  return cudaSuccess;
}

cudaError_t cudaMemPoolCreate(
    cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (properties->allocType != cudaMemAllocationTypePinned ||
      properties->location.type != cudaMemLocationTypeDevice ||
      !is_device(properties->location.id))
    return told(cudaErrorInvalidValue);
  *pool = new CUmemPoolHandle_st{properties->location.id};
  return cudaSuccess;
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (!is_pool(pool))
    return told(cudaErrorInvalidValue);
  if (pool->used > 0)
    die("a memory pool was destroyed with %zu bytes in use", pool->used);
  delete pool;
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(
    cudaMemPool_t pool, cudaMemPoolAttr what, void* value) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (!is_pool(pool))
    return told(cudaErrorInvalidValue);
  std::lock_guard lock{the_machine().guard};
  if (what == cudaMemPoolAttrReleaseThreshold)
    pool->threshold = *static_cast<std::uint64_t*>(value);
  else if (what == cudaMemPoolAttrUsedMemHigh)
    pool->most_used = pool->used;
  else if (what > cudaMemPoolReuseAllowInternalDependencies)
    return told(cudaErrorInvalidValue);
  return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(
    cudaMemPool_t pool, cudaMemPoolAttr what, void* value) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (!is_pool(pool))
    return told(cudaErrorInvalidValue);
  std::lock_guard lock{the_machine().guard};
  auto& result = *static_cast<std::uint64_t*>(value);
  if (what == cudaMemPoolAttrReleaseThreshold)
    result = pool->threshold;
  else if (what == cudaMemPoolAttrUsedMemCurrent ||
           what == cudaMemPoolAttrReservedMemCurrent)
    result = pool->used;
  else if (what == cudaMemPoolAttrUsedMemHigh ||
           what == cudaMemPoolAttrReservedMemHigh)
    result = pool->most_used;
  else
    return told(cudaErrorInvalidValue);
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAccess(
    cudaMemPool_t pool, const cudaMemAccessDesc* to, std::size_t count) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (!is_pool(pool))
    return told(cudaErrorInvalidValue);
  for (std::size_t i = 0; i < count; ++i) {
    const auto peer = to[i].location.id;
    if (to[i].location.type != cudaMemLocationTypeDevice || !is_device(peer))
      return told(cudaErrorInvalidDevice);
    if (peer != pool->device && !the_machine().peers)
      return told(cudaErrorPeerAccessUnsupported);
    std::lock_guard lock{the_machine().guard};
    if (to[i].flags == cudaMemAccessFlagsProtReadWrite)
      pool->reached_by.insert(peer);
    else
      pool->reached_by.erase(peer);
  }
  return cudaSuccess;
}

// Nothing freed is kept.
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, std::size_t) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  return told(is_pool(pool) ? cudaSuccess : cudaErrorInvalidValue);
}
