#pragma once

#include <iosfwd>
#include <utility>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "monitoring/progress_screen.hpp"
#include "protocols/observer.hpp"

namespace troupe::monitoring {

/// Shows the run to people. `out` must outlive the actor, nobody else writes to
/// it meanwhile, and writing to it never waits for a reader: an outlet_stream.
class progress_state {
public:
  static inline const char* name = "troupe.progress";

  progress_state(observer::pointer, std::ostream* out, progress_options options)
      : screen_(*out, std::move(options)) {}

  observer::behavior_type make_behavior() {
    return {[this](const fact_batch& batch) { hear(batch); }};
  }

private:
  void hear(const fact_batch& batch) {
    if (batch.facts)
      screen_.show(*batch.facts);
  }

  progress_screen screen_;
};

using progress_impl = observer::stateful_impl<progress_state>;

} // namespace troupe::monitoring
