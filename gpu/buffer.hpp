#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "gpu/device.hpp"

namespace troupe::gpu {

/// Owns `size()` floats on one device, uninitialised at first and aligned to
/// 64 bytes. Move-only; everything that only looks takes a span.
/// Throws `std::bad_alloc` when the device has no room.
class buffer {
public:
  buffer() = default;
  explicit buffer(std::size_t size, device where = {});
  buffer(buffer&& other) noexcept { swap(other); }
  buffer& operator=(buffer&& other) noexcept {
    buffer{std::move(other)}.swap(*this);
    return *this;
  }
  ~buffer();
  void swap(buffer& other) noexcept;

  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return size_ * sizeof(float); }
  device where() const noexcept { return where_; }

  /// The elements; dereferenceable on the host only if `where()` is a CPU.
  std::span<float> span() noexcept { return {data_, size_}; }
  std::span<const float> span() const noexcept { return {data_, size_}; }

private:
  float* data_ = nullptr;
  std::size_t size_ = 0;
  device where_;
};

/// Immutable storage that many actors of one process may hold at once.
using shared_buffer = std::shared_ptr<const buffer>;

} // namespace troupe::gpu
