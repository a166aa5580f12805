#include "protocols/clocks/ssp.hpp"

#include <algorithm>

#include "protocols/ids.hpp"

namespace troupe::clocks {

turn ssp::join(worker_id worker, decisions& out) {
  auto& x = workers_[worker];
  die(worker, x.life, out);
  x = {state::idle, ++lives_, std::max(x.clock, slowest_)};
  ++paces_[x.clock];
  return {worker, x.life, x.clock};
}

bool ssp::die(worker_id worker, life_id life, decisions& out) {
  const auto found = workers_.find(worker);
  if (found == workers_.end() || found->second.at == state::dead ||
      found->second.life != life)
    return false;
  leave(worker, found->second);
  settle(out);
  return true;
}

drop_reason ssp::ask(const turn& what, decisions& out) {
  if (const auto why = reason_to_drop(what); why != drop_reason::none)
    return why;
  auto& x = workers_.at(what.worker);
  if (x.at != state::idle)
    return drop_reason::duplicate;
  x.at = state::waiting;
  waiting_.emplace(x.clock, what.worker);
  settle(out);
  return drop_reason::none;
}

verdict ssp::finish(const turn& what, decisions& out) {
  if (const auto why = reason_to_drop(what); why != drop_reason::none)
    return {why};
  auto& x = workers_.at(what.worker);
  if (x.at != state::running)
    return {drop_reason::unknown};
  leave(what.worker, x);
  x.at = state::idle;
  ++paces_[++x.clock];
  const auto number = counted_++;
  settle(out);
  return {drop_reason::none, number};
}

void ssp::resume(std::uint64_t incarnation) {
  for (auto& [worker, x] : workers_)
    x.at = state::dead;
  paces_.clear();
  waiting_.clear();
  lives_ = std::max(lives_, first_lease(incarnation));
}

step_id ssp::clock(worker_id worker) const noexcept {
  const auto found = workers_.find(worker);
  return found == workers_.end() ? 0 : found->second.clock;
}

bool ssp::living(worker_id worker) const noexcept {
  const auto found = workers_.find(worker);
  return found != workers_.end() && found->second.at != state::dead;
}

// The difference is of living clocks, none of which is below the slowest.
bool ssp::may_begin(step_id step) const noexcept {
  return step - slowest_ <= staleness_;
}

view ssp::sight(step_id step) const noexcept {
  return {step - std::min(step, staleness_), staleness_ == 0 ? 0 : counted_};
}

drop_reason ssp::reason_to_drop(const turn& what) const {
  const auto found = workers_.find(what.worker);
  if (found == workers_.end() || what.life > found->second.life)
    return drop_reason::unknown;
  const auto& x = found->second;
  if (what.life < x.life || x.at == state::dead)
    return drop_reason::late;
  if (what.step < x.clock)
    return drop_reason::duplicate;
  return what.step > x.clock ? drop_reason::unknown : drop_reason::none;
}

void ssp::leave(worker_id worker, record& x) {
  const auto pace = paces_.find(x.clock);
  if (--pace->second == 0)
    paces_.erase(pace);
  waiting_.erase({x.clock, worker});
  x.at = state::dead;
}

void ssp::settle(decisions& out) {
  if (!paces_.empty() && paces_.begin()->first > slowest_)
    out.closed = slowest_ = paces_.begin()->first;
  while (!waiting_.empty() && may_begin(waiting_.begin()->first)) {
    const auto [step, worker] = *waiting_.begin();
    auto& x = workers_.at(worker);
    waiting_.erase(waiting_.begin());
    x.at = state::running;
    out.begun.push_back({{worker, x.life, step}, sight(step)});
  }
}

// False for what no rule could have saved.
bool ssp::index() {
  for (const auto& [worker, x] : workers_) {
    if (x.life == 0 || x.life > lives_)
      return false;
    if (x.at == state::dead)
      continue;
    if (x.clock < slowest_ || (x.at == state::running && !may_begin(x.clock)) ||
        (x.at == state::waiting && may_begin(x.clock)))
      return false;
    ++paces_[x.clock];
    if (x.at == state::waiting)
      waiting_.emplace(x.clock, worker);
  }
  return true;
}

} // namespace troupe::clocks
