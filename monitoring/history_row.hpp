#pragma once

#include <cstdint>

#include "protocols/ids.hpp"

namespace troupe {

/// One scored version of a run: a row of its history, a point of its curves.
struct history_row {
  version_id version = 0;
  double seconds = 0.0; ///< of training, over all processes of the run
  double loss = 0.0;
  double accuracy = 0.0;      ///< 0 to 1
  double training_loss = 0.0; ///< mean over the version's updates
  std::uint64_t updates = 0;  ///< accepted so far
  double clock = 0.0; ///< virtual seconds; 0: the run goes by no virtual clock

  friend bool operator==(const history_row&, const history_row&) = default;
};

} // namespace troupe
