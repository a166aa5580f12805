#pragma once

#include <cstddef>
#include <string>
#include <utility>

namespace troupe::collective {

/// A mapping of memory: of one process, or by name of several.
class mapping {
public:
  mapping() = default;
  /// Zeros, with huge pages where the system has any.
  static mapping of_own(std::size_t size);
  static mapping make(std::size_t size, std::string& name);
  static mapping open(const std::string& name, std::size_t size);
  static void forget(const std::string& name) noexcept;

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
