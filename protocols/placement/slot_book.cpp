#include "protocols/placement/slot_book.hpp"

#include <algorithm>
#include <cassert>

namespace troupe::placement {
namespace {

constexpr double queued_seconds = 1e-3;
// One is at work while the next one is on its way.
constexpr std::size_t least = 2;

} // namespace

slot_book::slot_book(std::size_t slots, std::size_t most)
    : slots_(slots), most_(most), depth_(std::min(most, least)), alive_(slots) {
  assert(most >= 1 && "a slot without credit never works");
}

void slot_book::took(double seconds) noexcept {
  mean_seconds_ = mean_seconds_ == 0.0
                      ? seconds
                      : mean_seconds_ + (seconds - mean_seconds_) / 16.0;
  auto wanted = queued_seconds / std::max(mean_seconds_, 1e-9);
  depth_ = std::min(
      most_, std::max(least, static_cast<std::size_t>(std::min(wanted, 1e6))));
}

std::optional<slot_id> slot_book::claim(
    lease_id lease, client_id client, instant now) {
  slot_state* best = nullptr;
  for (auto& slot : slots_)
    if (slot.alive && slot.queue.size() < depth_ &&
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
