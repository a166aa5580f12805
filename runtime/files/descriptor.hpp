#pragma once

#include <cerrno>
#include <utility>

#include <unistd.h>

namespace troupe {

/// Owns a file descriptor, or none.
class descriptor {
public:
  explicit descriptor(int value) noexcept : value_(value) {}
  descriptor(descriptor&& other) noexcept
      : value_(std::exchange(other.value_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~descriptor() {
    if (value_ >= 0)
      ::close(value_);
  }

  int operator*() const noexcept { return value_; }

private:
  int value_;
};

/// What a system call answers that no signal interrupted.
template <class Call>
auto retried(Call&& call) {
  auto result = call();
  while (result < 0 && errno == EINTR)
    result = call();
  return result;
}

} // namespace troupe
