#pragma once

#include <cstddef>
#include <utility>

namespace troupe::collective {

/// A mapping of memory.
class mapping {
public:
  mapping() = default;
  /// Of this process alone: zeros, with huge pages where the system has any.
  static mapping of_own(std::size_t size);
  /// Of part of a file of memory. Throws `std::system_error`.
  static mapping of_file(int file, std::size_t at, std::size_t size);

  mapping(mapping&& other) noexcept { *this = std::move(other); }
  mapping& operator=(mapping&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~mapping();

  std::byte* at() const noexcept { return static_cast<std::byte*>(at_); }
  std::size_t size() const noexcept { return size_; }

private:
  mapping(void* at, std::size_t size) : at_(at), size_(size) {}

  void* at_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace troupe::collective
