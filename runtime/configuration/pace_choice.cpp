#include "runtime/configuration/pace_choice.hpp"

namespace troupe {

federated::pace pace_of(const configuration& what) {
  return {what.run.seed, what.clock.samples_per_second, what.clock.spread,
      what.clock.jitter, what.clock.slow, what.clock.slow_by, what.client};
}

} // namespace troupe
