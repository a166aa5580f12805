#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "protocols/collective/group.hpp"
#include "protocols/parallel/messages.hpp"

namespace troupe::parallel {

/// Where the ranks of a process come together with the others. Used by their
/// threads, each on its own.
class meeting_room {
public:
  virtual ~meeting_room() = default;

  /// Opens an epoch of so many ranks; answers with where the others find it.
  virtual std::string open(const convene& what) = 0;

  /// Comes together with them, and answers with a member of their group. It
  /// ends by a `collective::group_error`, in the group's operations too, soon
  /// after `until` is requested. Throws what says why it came to nothing.
  virtual std::unique_ptr<collective::group> meet(
      const muster& what, std::stop_token until) = 0;
};

} // namespace troupe::parallel
