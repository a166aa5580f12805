#include "tests/support/cuda_emulation/memory.hpp"

using namespace troupe::cuda_emulation;

namespace {

/// Whether a stream may allocate; not while it captures, which real graphs can
/// do and these cannot.
cudaError_t may_allocate(cudaStream_t stream, int& device) {
  auto on = find(stream);
  if (!on)
    return cudaErrorInvalidResourceHandle;
  device = on->device;
  std::lock_guard lock{the_machine().guard};
  if (!on->recording)
    return cudaSuccess;
  on->recording->spoiled = true;
  return cudaErrorNotSupported;
}

} // namespace

cudaError_t cudaMalloc(void** block, std::size_t bytes) {
  if (auto code = entered_outside_captures(); code != cudaSuccess)
    return told(code);
  return told(
      allocate(block, bytes, cudaMemoryTypeDevice, current_device(), nullptr));
}

// Waits for the device, as the real one does.
cudaError_t cudaFree(void* block) {
  if (auto code = entered_outside_captures(); code != cudaSuccess)
    return told(code);
  if (block == nullptr)
    return cudaSuccess;
  auto gone = forget(block, cudaMemoryTypeDevice);
  if (!gone)
    return told(cudaErrorInvalidValue);
  for (auto& one : streams_of(gone->device))
    one->queue.wait();
  release(*gone);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** block, std::size_t bytes, unsigned) {
  if (auto code = entered_outside_captures(); code != cudaSuccess)
    return told(code);
  return told(
      allocate(block, bytes, cudaMemoryTypeHost, current_device(), nullptr));
}

cudaError_t cudaHostAlloc(void** block, std::size_t bytes, unsigned flags) {
  return cudaMallocHost(block, bytes, flags);
}

cudaError_t cudaFreeHost(void* block) {
  if (auto code = entered_outside_captures(); code != cudaSuccess)
    return told(code);
  if (block == nullptr)
    return cudaSuccess;
  auto gone = forget(block, cudaMemoryTypeHost);
  if (!gone)
    return told(cudaErrorInvalidValue);
  for (int device = 0; device < the_machine().device_count; ++device)
    for (auto& one : streams_of(device))
      one->queue.wait();
  release(*gone);
  return cudaSuccess;
}

cudaError_t cudaMallocAsync(
    void** block, std::size_t bytes, cudaStream_t stream) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  auto on = find(stream);
  if (!on)
    return told(cudaErrorInvalidResourceHandle);
  cudaMemPool_t pool;
  cudaDeviceGetDefaultMemPool(&pool, on->device);
  return cudaMallocFromPoolAsync(block, bytes, pool, stream);
}

cudaError_t cudaMallocFromPoolAsync(
    void** block, std::size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (pool == nullptr)
    return told(cudaErrorInvalidValue);
  int device = 0;
  if (auto code = may_allocate(stream, device); code != cudaSuccess)
    return told(code);
  return told(allocate(block, bytes, cudaMemoryTypeDevice, pool->device, pool));
}

// Off the books at once, so that what is allocated next on this stream has the
// room; the memory itself lasts as long as what was queued before.
cudaError_t cudaFreeAsync(void* block, cudaStream_t stream) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  int device = 0;
  if (auto code = may_allocate(stream, device); code != cudaSuccess)
    return told(code);
  auto gone = forget(block, cudaMemoryTypeDevice);
  if (!gone)
    return told(cudaErrorInvalidValue);
  return told(submit(stream, [gone] { release(*gone); }));
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  auto& all = the_machine();
  std::lock_guard lock{all.guard};
  *total = all.device_bytes;
  *free =
      *total - all.devices.at(static_cast<std::size_t>(current_device())).used;
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(
    cudaPointerAttributes* attributes, const void* where) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  auto address = const_cast<void*>(where);
  auto found = owner_of(where);
  if (!found || where == found->begin + found->size)
    *attributes = {cudaMemoryTypeUnregistered, -2, nullptr, address};
  else if (found->type == cudaMemoryTypeHost)
    *attributes = {found->type, found->device, address, address};
  else
    *attributes = {found->type, found->device, address, nullptr};
  return cudaSuccess;
}
