#include "actors/federated/aggregator.hpp"

#include <exception>
#include <utility>

#include <fmt/format.h>

// Which rule decides: between two versions another one may take over.

namespace troupe {

// It is tried out on what is asked for already, so that nothing that was
// granted comes to nothing.
changing_rule aggregator_state::on_change(const change_rule& what) {
  if (is_ending())
    return {false, "the run is at its end"};
  if (!options_.make_successor)
    return {false, "the rule of this run cannot change"};
  auto all = succession_.asked();
  all.insert(all.end(), what.settings.begin(), what.settings.end());
  try {
    const auto next = options_.make_successor(configuration_, all, false);
    succession_.ask(what.settings);
    return {
        true, fmt::format("behind version {}: {}",
                  rule_.version() + (press_.is_open() ? 1 : 0), next.settings)};
  } catch (const std::exception& error) {
    return {false, error.what()};
  }
}

// Before its state is stored, so that whoever resumes from it goes on so.
void aggregator_state::change_rule_if_due(version_id behind) {
  const auto due = succession_.behind(behind);
  if (!due || is_ending())
    return;
  rule_wakes_at_.reset();
  tell(federated::change_rule({rule_, report_.rule, configuration_},
      options_.make_successor, *due, behind, samples_, heard_at(), decisions_));
  carry_out();
}

} // namespace troupe
