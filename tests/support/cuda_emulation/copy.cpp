#include <cstring>

#include "tests/support/cuda_emulation/memory.hpp"

using namespace troupe::cuda_emulation;

namespace {

enum class side { host, device };
constexpr int any_device = -1;

/// Where memory lies; false where it leaves the allocation that it begins in,
/// or comes from a pool that `device` may not reach. (The driver takes care of
/// what cudaMalloc took.)
bool locate(const void* where, std::size_t bytes, int device, side& result) {
  result = side::host;
  if (where == nullptr)
    return false;
  auto owner = owner_of(where);
  if (!owner || where == owner->begin + owner->size)
    return true; // the host's own
  if (owner->type == cudaMemoryTypeDevice)
    result = side::device;
  if (owner->pool != nullptr && device != any_device &&
      !reaches(device, *owner))
    return false;
  auto offset = static_cast<const std::byte*>(where) - owner->begin;
  return bytes <= owner->size - static_cast<std::size_t>(offset);
}

cudaError_t check_sides(const void* to, std::size_t to_bytes, const void* from,
    std::size_t from_bytes, cudaMemcpyKind kind, int target_device,
    int source_device) {
  side target, source;
  if (!locate(to, to_bytes, target_device, target) ||
      !locate(from, from_bytes, source_device, source))
    return cudaErrorInvalidValue;
  if (kind == cudaMemcpyDefault)
    return cudaSuccess;
  auto to_device =
      kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  auto from_device =
      kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  return (target == side::device) == to_device &&
                 (source == side::device) == from_device
             ? cudaSuccess
             : cudaErrorInvalidValue;
}

/// The device that a stream belongs to.
int device_of(cudaStream_t stream) {
  auto found = find(stream);
  return found ? found->device : any_device;
}

} // namespace

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
    std::size_t from_pitch, std::size_t width, std::size_t height,
    cudaMemcpyKind kind, cudaStream_t stream) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (width == 0 || height == 0)
    return cudaSuccess;
  if (to_pitch < width || from_pitch < width)
    return told(cudaErrorInvalidValue);
  auto device = device_of(stream);
  auto code = check_sides(to, to_pitch * (height - 1) + width, from,
      from_pitch * (height - 1) + width, kind, device, device);
  if (code != cudaSuccess)
    return told(code);
  return told(submit(stream, [=] {
    for (std::size_t row = 0; row < height; ++row)
      std::memmove(static_cast<std::byte*>(to) + row * to_pitch,
          static_cast<const std::byte*>(from) + row * from_pitch, width);
  }));
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes,
    cudaMemcpyKind kind, cudaStream_t stream) {
  return cudaMemcpy2DAsync(to, bytes, from, bytes, bytes, 1, kind, stream);
}

cudaError_t cudaMemcpyPeerAsync(void* to, int to_device, const void* from,
    int from_device, std::size_t bytes, cudaStream_t stream) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (!is_device(to_device) || !is_device(from_device))
    return told(cudaErrorInvalidDevice);
  if (bytes == 0)
    return cudaSuccess;
  auto code = check_sides(
      to, bytes, from, bytes, cudaMemcpyDeviceToDevice, to_device, from_device);
  if (code != cudaSuccess)
    return told(code);
  // Drivers were seen that copy nothing where the pool is mapped on both.
  if (auto owner = owner_of(from); owner && owner->pool != nullptr &&
                                   to_device != from_device &&
                                   reaches(to_device, *owner))
    return told(submit(stream, [] {}));
  return told(submit(stream, [=] { std::memmove(to, from, bytes); }));
}

cudaError_t cudaMemcpy(
    void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (auto code = entered_outside_captures(); code != cudaSuccess)
    return told(code);
  auto code = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
  return code != cudaSuccess ? code : cudaStreamSynchronize(nullptr);
}

cudaError_t cudaMemsetAsync(
    void* to, int value, std::size_t bytes, cudaStream_t stream) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  side target;
  if (bytes == 0)
    return cudaSuccess;
  if (!locate(to, bytes, device_of(stream), target) || target != side::device)
    return told(cudaErrorInvalidValue);
  return told(submit(stream, [=] { std::memset(to, value, bytes); }));
}

cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  if (auto code = entered_outside_captures(); code != cudaSuccess)
    return told(code);
  auto code = cudaMemsetAsync(to, value, bytes, nullptr);
  return code != cudaSuccess ? code : cudaStreamSynchronize(nullptr);
}
