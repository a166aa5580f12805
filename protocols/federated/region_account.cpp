#include "protocols/federated/region_account.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace troupe::federated {

void region_account::hear(const fact& what) {
  if (const auto* one = std::get_if<facts::accepted>(&what.what)) {
    open_.samples += one->samples;
    open_.steps += one->steps;
    ++open_.updates;
  } else if (std::holds_alternative<facts::round_skipped>(what.what)) {
    open_ = {};
  } else if (const auto* made = std::get_if<facts::published>(&what.what)) {
    const auto done = std::exchange(open_, {});
    in_versions_.samples += done.samples;
    in_versions_.steps += done.steps;
    in_versions_.updates += done.updates;
    ++versions_;
    // Whose clients' data nobody knows counts by updates.
    const auto weight = static_cast<double>(std::max(
        done.samples > 0 ? done.samples : done.updates, std::uint64_t{1}));
    losses_ += weight * made->loss;
    weights_ += weight;
  }
}

training::outcome region_account::outcome() const noexcept {
  training::outcome result;
  result.samples = in_versions_.samples;
  result.steps = in_versions_.steps;
  result.loss = weights_ > 0.0 ? losses_ / weights_ : 0.0;
  return result;
}

} // namespace troupe::federated
