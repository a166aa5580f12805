#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>

#include "gpu/buffer.hpp"
#include "protocols/facts.hpp"
#include "protocols/ids.hpp"
#include "protocols/state_table.hpp"
#include "runtime/topology.hpp"

namespace troupe {

/// A version that was made anew.
struct remade {
  version_id version = 0;
  std::span<const float> parameters;
  const state_table& states; ///< of its clients
  /// The first of its updates that adds something else than it did then.
  std::optional<facts::accepted> unlike{};
};

/// Makes every version of a run anew, from its topology and the facts that its
/// journal holds: trains each accepted lease again, from its client's state if
/// clients have any, adds the updates in the order of their acceptance,
/// publishes where the run did. One recorded history gives one model: where
/// `each` sees other bits than the run stored, the journal does not tell what
/// happened, or the machine computes otherwise.
///
/// Works in the calling thread, one lease after the other; keeps the versions
/// that a later update starts from. `each` is told every version as it is made.
///
/// Throws `journal::bad_line` for a journal that is none, `bad_history` for
/// facts that cannot follow each other or tell of other data than `what` has,
/// and what the learner throws.
void replay(const topology& what, std::string_view journal,
    const std::function<void(const remade&)>& each);

/// Facts that contradict each other; names the first one.
class bad_history : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace troupe
