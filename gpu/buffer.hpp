#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "gpu/device_stream.hpp"

namespace troupe::gpu {

/// Owns `size()` floats on one device, uninitialised at first and aligned to
/// 64 bytes. Move-only; everything that only looks takes a span.
/// Throws `std::bad_alloc` when the device has no room (`out_of_memory`, with
/// the sizes, on a GPU).
///
/// On a GPU the memory comes and goes in the order of the stream that it was
/// made on: whoever uses it on another one waits for the work that filled it,
/// and holds it until the use is done.
class buffer {
public:
  buffer() = default;
  /// Ready for any stream.
  explicit buffer(std::size_t size, device where = {});
  /// Ready for what is queued on `on` from now on.
  buffer(std::size_t size, const device_stream& on);
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
  std::shared_ptr<cuda::stream> home_; // null on a CPU
};

/// Immutable storage that many actors of one process may hold at once.
using shared_buffer = std::shared_ptr<const buffer>;

} // namespace troupe::gpu
