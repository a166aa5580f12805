#include "protocols/cluster/kept_updates.hpp"

#include <algorithm>
#include <cassert>
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

// Of all but its base.
std::size_t own_bytes(const training_order& order, const trained& what) {
  const auto kept =
      what.state ? bytes_of(what.state.value().here) : std::size_t{0};
  return bytes_of(order.state) + bytes_of(what.delta.here) + kept;
}

} // namespace

void kept_updates::keep(const training_order& order, const trained& what) {
  assert(order.parameters && what.delta.here && "what is kept is here");
  const std::pair at{order.base, order.client};
  if (const auto old = kept_.find(at); old != kept_.end())
    drop(old);
  if (what.outcome.partial)
    return;
  const auto mine = kept_.emplace(at, entry{order, what}).first;
  use(order.parameters, 1);
  use(order.variate, 1);
  bytes_ += own_bytes(order, what);
  if (bytes_ > most_bytes_)
    drop(mine);
}

kept_updates::all::iterator kept_updates::drop(all::iterator what) {
  const auto& [order, trained] = what->second;
  bytes_ -= own_bytes(order, trained);
  unuse(order.parameters, 1);
  unuse(order.variate, 1);
  return kept_.erase(what);
}

// Many have one base, which is held, and counted, once.
void kept_updates::use(const gpu::shared_buffer& base, std::size_t times) {
  if (!base)
    return;
  auto& uses = uses_[base.get()];
  if (uses == 0)
    bytes_ += bytes_of(base);
  uses += times;
}

void kept_updates::unuse(const gpu::shared_buffer& base, std::size_t times) {
  if (!base)
    return;
  const auto at = uses_.find(base.get());
  if ((at->second -= times) > 0)
    return;
  bytes_ -= bytes_of(base);
  uses_.erase(at);
}

std::optional<trained> kept_updates::find(const training_order& order) {
  const auto found = kept_.find({order.base, order.client});
  if (found == kept_.end())
    return std::nullopt;
  const auto& [of, what] = found->second;
  if (of.work != order.work || of.kind != order.kind ||
      !same_bits(of.state, order.state) ||
      !same_bits(of.variate, order.variate) ||
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
  std::size_t times = 0;
  for (auto& [at, each] : kept_)
    if (each.order.parameters == old) {
      each.order.parameters = parameters;
      ++times;
    }
  use(parameters, times);
  unuse(old, times);
  return true;
}

void kept_updates::forget_before(version_id durable) {
  const auto end = kept_.lower_bound({durable, 0});
  for (auto at = kept_.begin(); at != end;)
    at = drop(at);
}

} // namespace troupe::cluster
