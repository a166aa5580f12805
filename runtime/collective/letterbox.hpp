#pragma once

#include <optional>
#include <string>

#include "runtime/collective/sockets.hpp"
#include "runtime/files/descriptor.hpp"

namespace troupe::collective {

/// Where another process of this host and user hands in a descriptor: a Unix
/// socket of the abstract kind, which leaves nothing behind however a process
/// ends.
class letterbox {
public:
  /// Throws `std::system_error`.
  letterbox();

  const std::string& name() const noexcept { return name_; }
  /// None at the end of the wait.
  std::optional<descriptor> take(const bounds& within);

private:
  std::string name_;
  descriptor socket_;
};

/// Whether it is in that letterbox. Does not wait.
bool hand_in(const std::string& box, int what) noexcept;

} // namespace troupe::collective
