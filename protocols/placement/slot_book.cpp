#include "protocols/placement/slot_book.hpp"

#include <algorithm>
#include <cassert>

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
    slots_.push_back({kind, true, {}});
  depths_.fill({std::min(most, least), 0.0});
}

void slot_book::took(lease_id lease, double seconds) noexcept {
  auto found = where_.find(lease);
  if (found == where_.end())
    return;
  auto& [leases, mean] = depths_[index(slots_[found->second].kind)];
  mean = mean == 0.0 ? seconds : mean + (seconds - mean) / 16.0;
  auto wanted = queued_seconds / std::max(mean, 1e-9);
  leases = std::min(
      most_, std::max(least, static_cast<std::size_t>(std::min(wanted, 1e6))));
}

std::optional<slot_id> slot_book::claim(
    lease_id lease, client_id client, gpu::device_kind kind, instant now) {
  slot_state* best = nullptr;
  for (auto& slot : slots_)
    if (slot.alive && slot.kind == kind && slot.queue.size() < depth(kind) &&
        (!best || slot.queue.size() < best->queue.size()))
      best = &slot;
  if (!best)
    return std::nullopt;
  auto id = static_cast<slot_id>(best - slots_.data());
  best->queue.push_back({lease, client, id, now});
  where_.emplace(lease, id);
  return id;
}

bool slot_book::release(lease_id lease, instant now) {
  auto found = where_.find(lease);
  if (found == where_.end())
    return false;
  auto& queue = slots_[found->second].queue;
  auto entry = std::find_if(queue.begin(), queue.end(),
      [lease](const auto& e) { return e.lease == lease; });
  bool was_running = entry == queue.begin();
  queue.erase(entry);
  if (was_running && !queue.empty())
    queue.front().since = now;
  where_.erase(found);
  return true;
}

std::size_t slot_book::alive(gpu::device_kind kind) const noexcept {
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(),
      [kind](const auto& slot) { return slot.alive && slot.kind == kind; }));
}

std::vector<slot_book::holding> slot_book::running() const {
  std::vector<holding> result;
  for (const auto& slot : slots_)
    if (slot.alive && !slot.queue.empty())
      result.push_back(slot.queue.front());
  return result;
}

std::optional<instant> slot_book::oldest() const {
  std::optional<instant> result;
  for (const auto& entry : running())
    result = result ? std::min(*result, entry.since) : entry.since;
  return result;
}

std::vector<slot_book::holding> slot_book::lose(slot_id slot) {
  auto& lost = slots_[slot];
  std::vector<holding> waiting;
  for (const auto& entry : lost.queue) {
    where_.erase(entry.lease);
    if (&entry != &lost.queue.front())
      waiting.push_back(entry);
  }
  lost.queue.clear();
  if (lost.alive)
    --alive_;
  lost.alive = false;
  return waiting;
}

} // namespace troupe::placement
