#pragma once

#include <cstdint>
#include <string>

#include <caf/default_enum_inspect.hpp>
#include <caf/error.hpp>
#include <caf/is_error_code_enum.hpp>
#include <caf/string_view.hpp>

#include "protocols/type_ids.hpp"

namespace troupe {

/// What can be expected to go wrong in a run. Append-only.
enum class errc : std::uint8_t {
  none = 0,
  /// A learner threw an exception.
  learner_failed,
  /// Training left NaN, infinity or a value beyond the accumulator's range.
  update_not_finite,
  /// A device had no room for a task.
  out_of_memory,
  /// A stop token was set and the task gave up, as it should.
  stopped,
  /// A client did not return within its lease.
  lease_overrun,
  /// Every client of a round failed.
  all_failed,
  /// No client is left to train.
  starved,
  /// No compute slot is left: their learners ignored the stop token.
  no_slots,
  /// The run's directory could not be written or read.
  storage_failed,
  /// Evaluating a version failed.
  evaluation_failed,
  /// An actor that the run cannot do without has died.
  actor_died,
  /// A device answers with errors, or not at all.
  device_failed,
  /// A node of the cluster was killed, silent, or thrown out.
  node_lost,
  /// A node of the cluster has left in order.
  node_left,
  /// Fewer nodes are there than the run is to have.
  no_quorum,
};

std::string to_string(errc code);
bool from_string(caf::string_view text, errc& code);
bool from_integer(std::uint8_t value, errc& code);

/// An error's text for people: what its maker said, or else its code's name;
/// nothing of no error.
std::string text(const caf::error& e);
/// The name of its errc; empty if it has none.
std::string code(const caf::error& e);

template <class Inspector>
bool inspect(Inspector& f, errc& x) {
  return caf::default_enum_inspect(f, x);
}

} // namespace troupe

CAF_BEGIN_TYPE_ID_BLOCK(troupe_errors, troupe::type_id_block(1))
CAF_ADD_TYPE_ID(troupe_errors, (troupe::errc))
CAF_END_TYPE_ID_BLOCK(troupe_errors)
CAF_ERROR_CODE_ENUM(troupe::errc)
