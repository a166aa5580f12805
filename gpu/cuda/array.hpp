#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "gpu/cuda/error.hpp"
#include "gpu/cuda/stream.hpp"

namespace troupe::gpu::cuda {

/// Owns `size()` values of device memory, uninitialised, in the order of the
/// stream that made it: whoever uses it on another one holds it until that use
/// is done. Throws `out_of_memory`. For floats that travel, see `buffer`.
template <class T>
class array {
public:
  array() = default;
  array(std::size_t size, const device_stream& on)
      : home_(on.cuda()), size_(size) {
    if (size > 0)
      data_ = static_cast<T*>(home_->take(size * sizeof(T)));
  }
  array(array&& other) noexcept { swap(other); }
  array& operator=(array&& other) noexcept {
    array{std::move(other)}.swap(*this);
    return *this;
  }
  ~array() {
    if (data_ != nullptr)
      home_->give(data_);
  }
  void swap(array& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::span<T> span() noexcept { return {data_, size_}; }
  std::span<const T> span() const noexcept { return {data_, size_}; }

private:
  std::shared_ptr<stream> home_;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace troupe::gpu::cuda
