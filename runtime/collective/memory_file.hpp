#pragma once

#include <cstddef>

#include "runtime/collective/mapping.hpp"
#include "runtime/files/descriptor.hpp"

namespace troupe::collective {

/// Memory that processes may have in common. It has no name anywhere: whoever
/// is handed its descriptor sees it, and it is gone with the last one who does,
/// however that one ends.
class memory_file {
public:
  /// Throws `std::system_error`, as the others do.
  memory_file();
  explicit memory_file(descriptor file) : file_(std::move(file)) {}

  /// Takes memory for a part at once, so that no rank dies for want of it
  /// later.
  void reserve(std::size_t at, std::size_t size);
  mapping map(std::size_t at, std::size_t size) const {
    return mapping::of_file(*file_, at, size);
  }

  int operator*() const noexcept { return *file_; }

private:
  descriptor file_;
};

} // namespace troupe::collective
