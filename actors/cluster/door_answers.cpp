#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "actors/cluster/door.hpp"
#include "gpu/aggregation/delta.hpp"
#include "gpu/aggregation/norms.hpp"
#include "protocols/cluster/plausible.hpp"
#include "protocols/errc.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/training.hpp"

// A door and what its node sends back: nothing goes on before it is looked at.

namespace troupe::cluster {
void door_state::receive(update& what) {
  const auto& trained = what.result;
  const auto at = tasks_.find(trained.lease);
  if (at == tasks_.end() || at->second.client != what.client ||
      at->second.base != trained.base)
    return accuse(fmt::format("an update of lease {}", trained.lease));
  if (trained.delta.count != options_.values)
    return accuse(fmt::format("an update of {} values, not {}",
        trained.delta.count, options_.values));
  if (!is_time(trained.seconds) || !is_time(trained.cpu_seconds))
    return accuse(fmt::format("an update in {} seconds, {} of a CPU's",
        trained.seconds, trained.cpu_seconds));
  if (const auto count = trained.state.value().count;
      count > options_.most && !client_) // whose state stays where it is
    return accuse(fmt::format(
        "a state of {} values, where {} are the most", count, options_.most));
  if (arriving_.contains(trained.lease))
    return accuse("two updates for one lease");
  if (client_ && trained.state && !keeps_state(trained))
    return accuse(fmt::format(
        "a state that lease {} did not leave there", trained.lease));
  collect(std::move(what));
}

// What came along is here; it is so little that it is looked at at once.
void door_state::collect(update&& what) {
  const auto lease = what.result.lease;
  auto& [kept, missing] =
      arriving_.emplace(lease, arriving{std::move(what)}).first->second;
  auto& result = kept.result;
  std::vector<tensor> elsewhere;
  if (const auto& delta = result.delta.here) {
    result.largest = gpu::largest_magnitude(host_, delta->span());
    result.too_large = options_.max_norm > 0.0 &&
                       gpu::is_longer(delta->span(), options_.max_norm);
  } else {
    elsewhere.push_back(result.delta);
  }
  if (const auto state = result.state.value(); state && !state.here && !client_)
    elsewhere.push_back(state);
  if (!elsewhere.empty())
    bring(elsewhere, lease);
  if (missing == 0 && !step_.is_parting())
    answer(std::move(arriving_.extract(lease).mapped().what));
}

void door_state::bring(const std::vector<tensor>& what, lease_id of) {
  for (const auto& each : what) {
    if (!coming_.emplace(each.id, of).second)
      return accuse("one tensor for two updates");
    ++arriving_.at(of).missing;
  }
  options_.peer->fetch_together(what);
}

void door_state::receive(const fetched& what) {
  const auto at = coming_.find(what.what);
  if (at == coming_.end() || step_.is_parting())
    return;
  const auto lease = at->second;
  coming_.erase(at);
  options_.peer->send(arrived{what.what});
  if (!what.failed.empty())
    return step_.expel("a tensor of an update did not come: " + what.failed);
  auto& [brought, missing] = arriving_.at(lease);
  auto& result = brought.result;
  if (what.what == result.delta.id) {
    result.delta = what.here;
    result.largest = what.largest;
    result.too_large = what.too_large;
  } else {
    result.state = what.here;
  }
  if (--missing == 0)
    answer(std::move(arriving_.extract(lease).mapped().what));
}

void door_state::answer(update&& what) {
  auto node = tasks_.extract(what.result.lease);
  if (!node)
    return;
  const auto& task = node.mapped();
  if (std::isnan(what.result.largest) ||
      !std::isfinite(what.result.outcome.loss))
    send(self_, task.reply_to,
        failure{what.client, what.result.lease,
            caf::make_error(errc::update_not_finite,
                std::string{"its update is not finite"})});
  else
    send(self_, task.reply_to, std::move(what));
  done_with(task);
}

void door_state::done_with(const training_task& what) {
  auto& through = through_[what.lane];
  through = std::max(through, what.turn + 1);
  if (what.from != 0)
    give_back(what.from);
  if (what.variate != 0)
    give_back(what.variate);
  if (what.state == 0)
    return;
  options_.peer->take_back(what.state);
  options_.peer->send(release{what.state});
}

void door_state::receive(const failure& what) {
  auto node = tasks_.extract(what.lease);
  if (!node || node.mapped().client != what.client)
    return accuse(fmt::format("a failure of lease {}", what.lease));
  send(self_, node.mapped().reply_to, what);
  done_with(node.mapped());
}

void door_state::receive(const part_begun& what) {
  if (auto at = parts_.find(what.part); at != parts_.end())
    send(self_, at->second.reply_to, what);
}

void door_state::receive(const evaluated_part& what) {
  auto node = parts_.extract(what.part);
  if (!node)
    return accuse("a score that nobody asked for");
  if (!is_time(what.cpu_seconds))
    return accuse(fmt::format("a score in {} seconds", what.cpu_seconds));
  send(self_, node.mapped().reply_to, what);
  give_back(node.mapped().from);
}

} // namespace troupe::cluster
