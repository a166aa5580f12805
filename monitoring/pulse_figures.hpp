#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <prometheus/collectable.h>

#include "monitoring/pulse.hpp"

namespace troupe::monitoring {

/// `troupe_silence_seconds{peer}`: since when each of those who have a session
/// was not heard. Whoever's session is over has no sample, so that there are
/// never more of them than sessions. Any thread.
class pulse_figures : public prometheus::Collectable,
                      public std::enable_shared_from_this<pulse_figures> {
public:
  /// Shows it for as long as what is answered with is kept.
  [[nodiscard]] std::shared_ptr<void> watch(
      std::string peer, std::shared_ptr<const pulse> of);

  std::vector<prometheus::MetricFamily> Collect() const override;

private:
  struct entry {
    std::string peer;
    std::shared_ptr<const pulse> of;
  };

  mutable std::mutex guard_;
  std::list<entry> entries_; ///< the newest last
};

} // namespace troupe::monitoring
