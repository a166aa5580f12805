#include "protocols/placement/desk.hpp"

#include <algorithm>
#include <utility>

namespace troupe::placement {
namespace {

// Nodes that are lost with a client before it is to blame.
constexpr unsigned most_deaths = 3;

} // namespace

desk::desk(desk_options options)
    : options_(std::move(options)),
      slots_(options_.slots, options_.depth),
      turns_(options_.slots.size()) {}

void desk::wait(const federated::grant& what, gpu::shared_buffer base) {
  queue_of(what.client).push_back({what, std::move(base)});
}

desk::waiting_line& desk::queue_of(client_id client) {
  return residents_.contains(client) ? at_home_[client]
                                     : queues_[options_.kinds.kind_of(client)];
}

std::optional<seat> desk::next(std::size_t elsewhere, instant now) {
  if (closed_ || !has_room(elsewhere))
    return std::nullopt;
  for (auto& [kind, queue] : queues_) {
    if (queue.empty())
      continue;
    const auto& grant = queue.front().grant;
    if (auto slot = slots_.claim(grant.lease, grant.client, kind, now))
      return take_seat(queue, *slot, now);
  }
  return next_at_home(now);
}

std::optional<seat> desk::next_at_home(instant now) {
  for (auto at = at_home_.begin(); at != at_home_.end(); ++at) {
    auto& [client, queue] = *at;
    const auto lease = queue.front().grant.lease;
    const auto slot = slots_.claim_own(lease, client, now);
    if (!slot)
      continue;
    auto result = take_seat(queue, *slot, now);
    if (queue.empty())
      at_home_.erase(at);
    return result;
  }
  return std::nullopt;
}

std::optional<seat> desk::take_seat(
    waiting_line& from, slot_id slot, instant now) {
  if (const auto allowed = from.front().grant.allowed; allowed.count() > 0)
    look_by(now + allowed);
  auto result = seated(std::move(from.front()), slot);
  from.pop_front();
  return result;
}

bool desk::has_room(std::size_t elsewhere) const noexcept {
  return slots_.held() + elsewhere <
         options_.depth * slots_.alive() + options_.adding;
}

seat desk::seated(waiting&& what, slot_id slot) {
  auto& x = held_.insert(
      what.grant.lease, {what.grant, what.base, turns_[slot]++, {}});
  return {what.grant, std::move(what.base), slot, x.turn};
}

desk::answer desk::answered(
    lease_id lease, std::optional<double> seconds, instant now) {
  if (seconds)
    slots_.took(lease, *seconds);
  const auto slot = slots_.slot_of(lease);
  if (!slots_.release(lease, now)) {
    auto back = slots_.answered(lease);
    if (back && !only_for(*back))
      absent_.erase(options_.slots[*back]);
    return {false, {}, back, {}};
  }
  if (const auto next = slots_.running(*slot))
    if (const auto end = end_of(*next))
      look_by(*end);
  auto x = held_.take(lease);
  if (!deaths_.empty())
    deaths_.erase(x.grant.client);
  const auto left = slot && slots_.has_left(*slot) ? slot : std::nullopt;
  return {true, std::move(x.base), {}, left, x.grant.work};
}

slot_id desk::add(gpu::device_kind kind, std::optional<client_id> only_for) {
  options_.slots.push_back(kind);
  turns_.push_back(0);
  if (only_for)
    residents_.insert(*only_for);
  else
    absent_.erase(kind);
  return slots_.add(kind, only_for);
}

bool desk::retire(slot_id slot) {
  slots_.retire(slot);
  return slots_.has_left(slot);
}

bool desk::lacks_slots() const noexcept {
  return !closed_ && std::ranges::any_of(queues_, [this](const auto& entry) {
    return !entry.second.empty() && !has(entry.first);
  });
}

std::optional<client_id> desk::revoke(lease_id lease, instant now) {
  if (auto* x = held_.find(lease)) {
    stop(*x, now);
    return x->grant.client;
  }
  for (auto& [kind, queue] : queues_)
    if (const auto client = erase_from(queue, lease))
      return client;
  for (auto at = at_home_.begin(); at != at_home_.end(); ++at)
    if (const auto client = erase_from(at->second, lease)) {
      if (at->second.empty())
        at_home_.erase(at);
      return client;
    }
  return std::nullopt;
}

// Whose it was; none: it does not wait there.
std::optional<client_id> desk::erase_from(waiting_line& line, lease_id lease) {
  const auto at = std::ranges::find(
      line, lease, [](const auto& one) { return one.grant.lease; });
  if (at == line.end())
    return std::nullopt;
  const auto client = at->grant.client;
  line.erase(at);
  return client;
}

void desk::stop(record& what, instant now) {
  if (what.stopped)
    return;
  what.stopped = now;
  stopping_.push_back({what.grant.lease, what.grant.client});
  look_by(now + options_.stop_grace);
}

void desk::close(duration stop_grace, instant now) {
  closed_ = true;
  options_.stop_grace = std::min(options_.stop_grace, stop_grace);
  look_by(now + options_.stop_grace);
  queues_.clear();
  at_home_.clear();
  held_.for_each([&](lease_id, record& x) { stop(x, now); });
}

void desk::begin_part(slot_id slot, bool alone, instant now) {
  slots_.begin_part(slot, alone, now);
  look_by(now);
}

void desk::end_part(slot_id slot, instant now) {
  slots_.end_part(slot, now);
  look_by(now);
}

void desk::stop_parts(instant now) {
  parts_stopped_ = now;
  look_by(now + options_.stop_grace);
}

void desk::forget_parts(instant now) {
  for (const auto& each : slots_.at_parts())
    slots_.end_part(each.slot, now);
}

std::vector<overdue> desk::late(instant now) {
  due_.reset();
  std::vector<overdue> result;
  late_leases(now, result);
  late_parts(now, result);
  for (const auto& [kind, gone] : absent_)
    look_by(gone.since + options_.stop_grace);
  return result;
}

// Only the first lease of a slot is running; those behind it wait unblamed.
void desk::late_leases(instant now, std::vector<overdue>& out) {
  for (const auto& entry : slots_.running()) {
    const auto end = end_of(entry);
    if (!end)
      continue;
    const auto& x = *held_.find(entry.lease);
    if (now < *end)
      look_by(*end);
    else
      out.push_back(
          {x.stopped ? overdue::kind::stopped_lease : overdue::kind::lease,
              entry, x.grant.allowed});
  }
}

// When a lease that runs is overdue; none: it may take as long as it likes.
std::optional<instant> desk::end_of(const slot_book::holding& running) {
  const auto& x = *held_.find(running.lease);
  if (x.stopped)
    return std::max(*x.stopped, running.since) + options_.stop_grace;
  if (x.grant.allowed.count() > 0)
    return running.since + x.grant.allowed;
  return std::nullopt;
}

void desk::late_parts(instant now, std::vector<overdue>& out) {
  for (const auto& [slot, since] : slots_.at_parts()) {
    if (!parts_stopped_ && options_.part_time.count() == 0)
      continue;
    const auto end =
        parts_stopped_ ? std::max(*parts_stopped_, since) + options_.stop_grace
                       : since + options_.part_time;
    if (now < end)
      look_by(end);
    else
      out.push_back(
          {parts_stopped_ ? overdue::kind::stopped_part : overdue::kind::part,
              {0, 0, slot, since}, options_.part_time});
  }
}

std::vector<desertion> desk::deserted(instant now) {
  std::vector<desertion> result;
  std::erase_if(absent_, [&](const auto& entry) {
    const auto& [kind, gone] = entry;
    if (now < gone.since + options_.stop_grace)
      return false;
    result.push_back({kind, gone.slot, gone.why});
    return true;
  });
  return result;
}

void desk::look_by(instant when) noexcept {
  due_ = due_ ? std::min(*due_, when) : when;
}

std::vector<left_over> desk::lose(slot_id slot, std::string why, instant now) {
  auto result = taken_from(slots_.lose(slot));
  const auto kind = options_.slots[slot];
  if (slots_.alive(kind) == 0 && !slots_.has_left(slot) && !only_for(slot)) {
    absent_[kind] = {now, slot, std::move(why)};
    look_by(now + options_.stop_grace);
  }
  return result;
}

std::vector<left_over> desk::die(slot_id slot) {
  return taken_from(slots_.die(slot));
}

// The first one was being trained, or about to be. A resident's node is its
// own to lose.
std::vector<left_over> desk::depart(slot_id slot, bool lost) {
  auto result = taken_from(slots_.depart(slot));
  if (lost && !result.empty() && !only_for(slot)) {
    auto& first = result.front();
    first.poisonous = ++deaths_[first.at.grant.client] >= most_deaths;
  }
  return result;
}

std::vector<left_over> desk::taken_from(
    const std::vector<slot_book::holding>& holdings) {
  std::vector<left_over> result;
  for (const auto& each : holdings) {
    auto x = held_.take(each.lease);
    if (!x.stopped)
      stopping_.push_back({x.grant.lease, x.grant.client});
    result.push_back(
        {{x.grant, std::move(x.base), each.slot, x.turn}, !x.stopped});
  }
  return result;
}

std::vector<left_over> desk::of(client_id client) {
  std::vector<left_over> result;
  for (const auto& each : slots_.of(client)) {
    const auto& x = *held_.find(each.lease);
    result.push_back({{x.grant, x.base, each.slot, x.turn}, !x.stopped});
  }
  return result;
}

bool desk::has(gpu::device_kind kind) const noexcept {
  return slots_.alive(kind) > 0 || slots_.may_return(kind);
}

} // namespace troupe::placement
