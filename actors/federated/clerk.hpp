#pragma once

#include "gpu/buffer.hpp"
#include "protocols/federated/region.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

/// What a region keeps, as one block of values: its bytes, and behind them all
/// blocks and states as they are. Nobody may compute with these.
gpu::shared_buffer packed_memory(const region_memory& what);
/// Throws `std::runtime_error` where these are no such block.
region_memory unpacked_memory(const gpu::buffer& from);

/// Computes for a run's regions: what a lease has changed, and what is kept of
/// it. A compute actor: spawn it detached.
class clerk_state {
public:
  static inline const char* name = "troupe.clerk";

  /// `max_norm` that a delta may have; 0: any.
  explicit clerk_state(clerk::pointer, double max_norm = 0.0)
      : most_(max_norm) {}
  clerk::behavior_type make_behavior();

private:
  packed close(const pack& what) const;

  double most_;
};
using clerk_impl = clerk::stateful_impl<clerk_state>;

} // namespace troupe
