#pragma once

#include <new>
#include <string>
#include <utility>

namespace troupe::gpu {

/// A device has no room for what was asked of it; the text has the sizes.
/// Fails the task that asked, and nothing else.
class out_of_memory : public std::bad_alloc {
public:
  explicit out_of_memory(std::string text) : text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }

private:
  std::string text_;
};

} // namespace troupe::gpu
