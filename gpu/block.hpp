#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "gpu/device_stream.hpp"

namespace troupe::gpu {

/// Owns bytes on a stream's device; what `block` and `page_locked` are made of.
class raw_block {
public:
  enum class kind { device, page_locked };

  raw_block() = default;
  raw_block(std::size_t bytes, const device_stream& on, kind what);
  raw_block(raw_block&& other) noexcept { swap(other); }
  raw_block& operator=(raw_block&& other) noexcept {
    raw_block{std::move(other)}.swap(*this);
    return *this;
  }
  ~raw_block();
  void swap(raw_block& other) noexcept;
  void* data() const noexcept { return data_; }

private:
  void* data_ = nullptr;
  kind kind_ = kind::device;
  std::shared_ptr<cuda::stream> home_; // null on a CPU
};

/// Owns `size()` values of a plain type on a stream's device, uninitialised.
/// On a GPU the memory comes and goes in the order of that stream, as that of a
/// `buffer` does. Throws `std::bad_alloc` when the device has no room.
template <class T>
class block {
public:
  static_assert(std::is_trivially_copyable_v<T>);

  block() = default;
  block(std::size_t size, const device_stream& on)
      : memory_(size * sizeof(T), on, raw_block::kind::device), size_(size) {}

  std::size_t size() const noexcept { return size_; }
  T* data() noexcept { return static_cast<T*>(memory_.data()); }
  const T* data() const noexcept { return static_cast<T*>(memory_.data()); }
  std::span<T> span() noexcept { return {data(), size_}; }
  std::span<const T> span() const noexcept { return {data(), size_}; }

private:
  raw_block memory_;
  std::size_t size_ = 0;
};

/// The same on the host, where the stream's device reaches it without a detour:
/// page-locked for a GPU. Untouched until the copies that it is in are done.
template <class T>
class page_locked {
public:
  static_assert(std::is_trivially_copyable_v<T>);

  page_locked() = default;
  page_locked(std::size_t size, const device_stream& on)
      : memory_(size * sizeof(T), on, raw_block::kind::page_locked),
        size_(size) {}

  std::size_t size() const noexcept { return size_; }
  std::span<T> span() noexcept {
    return {static_cast<T*>(memory_.data()), size_};
  }
  const T& operator[](std::size_t i) const noexcept {
    return static_cast<const T*>(memory_.data())[i];
  }

private:
  raw_block memory_;
  std::size_t size_ = 0;
};

} // namespace troupe::gpu
