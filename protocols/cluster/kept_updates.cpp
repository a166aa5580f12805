#include "protocols/cluster/kept_updates.hpp"

#include <algorithm>
#include <cassert>
#include <set>
#include <span>
#include <utility>

namespace troupe::cluster {
namespace {

std::size_t bytes_of(const gpu::shared_buffer& block) {
  return block ? block->bytes() : 0;
}

bool same_bits(const gpu::shared_buffer& a, const gpu::shared_buffer& b) {
  if (a == b || !a || !b)
    return a == b;
  return std::ranges::equal(std::as_bytes(a->span()), std::as_bytes(b->span()));
}

} // namespace

std::size_t kept_updates::bytes() const noexcept {
  std::set<const gpu::buffer*> bases;
  std::size_t result = 0;
  for (const auto& [at, one] : kept_) {
    const auto& [order, what] = one;
    if (bases.insert(order.parameters.get()).second)
      result += bytes_of(order.parameters);
    result += bytes_of(order.state) + bytes_of(what.delta.here);
    if (what.state)
      result += bytes_of(what.state.value().here);
  }
  return result;
}

void kept_updates::keep(const training_order& order, const trained& what) {
  assert(order.parameters && what.delta.here && "what is kept is here");
  const std::pair at{order.base, order.client};
  kept_.erase(at);
  if (what.outcome.partial)
    return;
  const auto mine = kept_.emplace(at, entry{order, what}).first;
  if (bytes() > most_bytes_)
    kept_.erase(mine);
}

std::optional<trained> kept_updates::find(const training_order& order) {
  const auto found = kept_.find({order.base, order.client});
  if (found == kept_.end())
    return std::nullopt;
  const auto& [of, what] = found->second;
  if (of.work != order.work || of.kind != order.kind ||
      !same_bits(of.state, order.state) ||
      !is_base_of(found->second, order.parameters))
    return std::nullopt;
  return what;
}

// All that were trained from one block have the other from then on: a version
// is compared once.
bool kept_updates::is_base_of(
    entry& one, const gpu::shared_buffer& parameters) {
  const auto old = one.order.parameters;
  if (old == parameters)
    return true;
  if (!same_bits(old, parameters))
    return false;
  for (auto& [at, each] : kept_)
    if (each.order.parameters == old)
      each.order.parameters = parameters;
  return true;
}

void kept_updates::forget_before(version_id durable) {
  kept_.erase(kept_.begin(), kept_.lower_bound({durable, 0}));
}

} // namespace troupe::cluster
