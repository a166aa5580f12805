#include "protocols/federated/round_variate.hpp"

#include <algorithm>
#include <cassert>

#include "gpu/aggregation/accumulator.hpp"

namespace troupe::federated {

void round_variate::begin(std::uint64_t cohort) {
  cohort_ = cohort;
  counted_.clear();
}

double round_variate::weigh(const arrival& update) {
  if (!kept() || update.steps == 0 || !moves(update.base))
    return 0.0;
  counted_.insert(update.client);
  auto weight = 1.0 / static_cast<double>(cohort_);
  if (work_.method == "scaffold")
    weight /= training::amount_of(update.steps, double{work_.momentum});
  return gpu::on_weight_grid(weight);
}

gpu::variate_step round_variate::step(
    version_id base, std::uint64_t registered) {
  if (!kept())
    return {};
  const auto now = std::max(registered_, registered);
  const auto before = registered_ == 0 ? now : registered_;
  assert(now > 0 && "a round has clients");
  registered_ = now;
  const auto all = static_cast<double>(now);
  const auto in_all = static_cast<double>(cohort_) / all;
  if (work_.method == "feddyn")
    return {static_cast<double>(before) / all, in_all};
  const auto moved = static_cast<double>(counted_.size());
  const auto kept = (static_cast<double>(before) - moved) / all;
  return {kept, moves(base) ? -in_all / double{work_.rate(base)} : 0.0};
}

// By a rate that has decayed to nothing no step tells of a gradient.
bool round_variate::moves(version_id base) const noexcept {
  return work_.method == "feddyn" || work_.rate(base) > 0.0f;
}

} // namespace troupe::federated
