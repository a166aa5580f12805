#include "protocols/placement/slot_book.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace troupe::placement {
namespace {

constexpr double queued_seconds = 1e-3;
// One is at work while the next one is on its way.
constexpr std::size_t least = 2;

} // namespace

slot_book::slot_book(std::vector<gpu::device_kind> slots, std::size_t most)
    : most_(most), alive_(slots.size()) {
  assert(most >= 1 && "a slot without credit never works");
  for (auto kind : slots)
    slots_.push_back({kind});
  depths_.fill({std::min(most, least), 0.0});
}

void slot_book::took(lease_id lease, double seconds) noexcept {
  const auto* slot = where_.find(lease);
  if (!slot)
    return;
  auto& [leases, mean] = depths_[index(slots_[*slot].kind)];
  mean = mean == 0.0 ? seconds : mean + (seconds - mean) / 16.0;
  auto wanted = queued_seconds / std::max(mean, 1e-9);
  leases = std::min(
      most_, std::max(least, static_cast<std::size_t>(std::min(wanted, 1e6))));
}

std::optional<slot_id> slot_book::claim(
    lease_id lease, client_id client, gpu::device_kind kind, instant now) {
  return claim_if(lease, client, now, [kind](const slot_state& slot) {
    return slot.kind == kind && !slot.only_for;
  });
}

std::optional<slot_id> slot_book::claim_own(
    lease_id lease, client_id client, instant now) {
  return claim_if(lease, client, now,
      [client](const slot_state& slot) { return slot.only_for == client; });
}

template <class Fits>
std::optional<slot_id> slot_book::claim_if(
    lease_id lease, client_id client, instant now, const Fits& fits) {
  slot_state* best = nullptr;
  for (auto& slot : slots_)
    if (slot.state == life::alive && fits(slot) &&
        slot.queue.size() < depth(slot.kind) &&
        (!best || slot.queue.size() < best->queue.size()))
      best = &slot;
  if (!best)
    return std::nullopt;
  auto id = static_cast<slot_id>(best - slots_.data());
  best->queue.push_back({lease, client, id, now});
  where_.insert(lease, id);
  return id;
}

std::optional<slot_book::holding> slot_book::running(slot_id slot) const {
  const auto& at = slots_[slot];
  return trains(at) ? std::optional{at.queue.front()} : std::nullopt;
}

bool slot_book::release(lease_id lease, instant now) {
  if (!where_.find(lease))
    return false;
  auto& slot = slots_[where_.take(lease)];
  auto& queue = slot.queue;
  auto entry = std::find_if(queue.begin(), queue.end(),
      [lease](const auto& e) { return e.lease == lease; });
  bool was_running = entry == queue.begin();
  queue.erase(entry);
  if (was_running && !queue.empty())
    queue.front().since = now;
  if (slot.state == life::leaving && queue.empty())
    slot.state = life::left;
  return true;
}

slot_id slot_book::add(
    gpu::device_kind kind, std::optional<client_id> only_for) {
  slots_.push_back({.kind = kind, .only_for = only_for});
  ++alive_;
  return static_cast<slot_id>(slots_.size() - 1);
}

void slot_book::retire(slot_id slot) noexcept {
  auto& x = slots_[slot];
  if (x.state == life::lost) {
    x.lost_with.reset();
    x.state = life::left;
  }
  if (x.state == life::spared)
    x.state = life::left;
  if (x.state != life::alive)
    return;
  --alive_;
  x.state = x.queue.empty() ? life::left : life::leaving;
}

bool slot_book::has_left(slot_id slot) const noexcept {
  return slots_[slot].state == life::left;
}

void slot_book::spare(slot_id slot) noexcept {
  auto& x = slots_[slot];
  assert(x.state == life::alive && x.queue.empty() && "nothing was begun");
  --alive_;
  x.state = life::spared;
}

std::optional<slot_id> slot_book::slot_of(lease_id lease) noexcept {
  const auto* slot = where_.find(lease);
  return slot ? std::optional{*slot} : std::nullopt;
}

std::size_t slot_book::alive(gpu::device_kind kind) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(slots_, [kind](const auto& slot) {
        return slot.state == life::alive && slot.kind == kind && !slot.only_for;
      }));
}

bool slot_book::may_return(gpu::device_kind kind) const noexcept {
  return std::ranges::any_of(slots_, [kind](const auto& slot) {
    return slot.state == life::lost && slot.kind == kind && !slot.only_for;
  });
}

std::vector<slot_book::holding> slot_book::running() const {
  std::vector<holding> result;
  for (const auto& slot : slots_)
    if (trains(slot))
      result.push_back(slot.queue.front());
  return result;
}

std::vector<slot_book::holding> slot_book::of(client_id client) const {
  std::vector<holding> result;
  for (const auto& slot : slots_)
    std::ranges::copy_if(slot.queue, std::back_inserter(result),
        [client](const auto& entry) { return entry.client == client; });
  return result;
}

void slot_book::begin_part(slot_id slot, bool alone, instant now) {
  if (serves(slots_[slot]))
    slots_[slot].at = part{now, alone};
}

void slot_book::end_part(slot_id slot, instant now) {
  auto& at = slots_[slot].at;
  if (at && at->alone && !slots_[slot].queue.empty())
    slots_[slot].queue.front().since = now;
  at.reset();
}

std::vector<slot_book::scoring> slot_book::at_parts() const {
  std::vector<scoring> result;
  for (slot_id i = 0; i < slots_.size(); ++i)
    if (slots_[i].at)
      result.push_back({i, slots_[i].at->since});
  return result;
}

std::vector<slot_book::holding> slot_book::empty(slot_state& slot, life then) {
  for (const auto& entry : slot.queue)
    where_.take(entry.lease);
  if (slot.state == life::alive)
    --alive_;
  if (serves(slot))
    ++lost_;
  slot.state = then;
  slot.at.reset();
  std::vector<holding> all{slot.queue.begin(), slot.queue.end()};
  slot.queue.clear();
  return all;
}

std::vector<slot_book::holding> slot_book::lose(slot_id slot) {
  auto& lost = slots_[slot];
  if (!serves(lost))
    return {};
  if (lost.state != life::alive)
    return empty(lost, life::left);
  if (!lost.queue.empty())
    lost.lost_with = lost.queue.front().lease;
  return empty(lost, life::lost);
}

std::vector<slot_book::holding> slot_book::die(slot_id slot) {
  auto& dead = slots_[slot];
  if (dead.state == life::left)
    return {};
  dead.lost_with.reset();
  return empty(dead, life::dead);
}

std::vector<slot_book::holding> slot_book::depart(slot_id slot) {
  auto& gone = slots_[slot];
  if (gone.state == life::left)
    return {};
  gone.lost_with.reset();
  auto all = empty(gone, life::left);
  --lost_; // nobody waits for its return
  return all;
}

std::optional<slot_id> slot_book::answered(lease_id lease) {
  if (lost_ == 0)
    return std::nullopt;
  auto found = std::ranges::find(slots_, lease, &slot_state::lost_with);
  if (found == slots_.end())
    return std::nullopt;
  found->lost_with.reset();
  found->state = life::alive;
  ++alive_;
  --lost_;
  return static_cast<slot_id>(found - slots_.begin());
}

} // namespace troupe::placement
