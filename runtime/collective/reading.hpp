#pragma once

// Reading what others have in their memory; for a group's own sources.
#include "runtime/collective/channel_group.hpp"

#include "runtime/collective/hall.hpp"

namespace troupe::collective {

/// While it lives this rank reads memory of the others, and writes to it. Ranks
/// of one process give memory back when their group ends in the middle of an
/// operation: whoever does so waits for all that read, and nobody begins to
/// read behind that.
class channel_group::reading {
public:
  reading(channel_group& of, const call& what)
      : mine_(of.wire_->shared()->of(of.rank())) {
    mine_.adding.store(1);
    for (std::uint32_t r = 0; r < of.ranks(); ++r)
      if (of.wire_->shared()->of(r).let_go.load() != 0) {
        mine_.adding.store(0);
        of.end(what, {r, "it has let go of the group", false});
      }
  }
  ~reading() { mine_.adding.store(0); }
  reading(const reading&) = delete;
  reading& operator=(const reading&) = delete;

private:
  hall::desk& mine_;
};

} // namespace troupe::collective
