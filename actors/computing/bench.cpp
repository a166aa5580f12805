#include "actors/computing/bench.hpp"

#include <algorithm>
#include <utility>

#include "protocols/errc.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/run.hpp"

namespace troupe {

bench_state::bench_state(bench::pointer self, bench_options options)
    : self_(self),
      options_(std::move(options)),
      places_(options_.slots.size()) {
  self_->set_down_handler(
      [this](const caf::down_msg& what) { bury(what.source); });
  for (const auto& slot : options_.slots)
    if (slot.lane == 0) // the other lanes are the same actor
      watch(self_, slot.who);
}

bench::behavior_type bench_state::make_behavior() {
  return {
      [this](train_task& what) {
        take(what);
        go_on();
      },
      [this](evaluate_task& what) { score(what); },
      [this](update& what) {
        if (auto whom = returned({what.client, what.result.lease}))
          send(self_, whom, std::move(what));
        go_on();
      },
      [this](failure& what) {
        if (auto whom = returned({what.client, what.lease}))
          send(self_, whom, std::move(what));
        go_on();
      },
      [this](const tick& what) {
        if (timer_.rang(self_, what.turn))
          go_on();
      },
  };
}

void bench_state::take(train_task& what) {
  auto& lanes = lanes_[what.reply_to.address()];
  if (lanes.empty()) {
    lanes.resize(options_.slots.size());
    watch(self_, what.reply_to);
  }
  auto& at = lanes[what.lane];
  if (what.turn < at.turn || refused(what, at))
    return;
  if (what.turn > at.turn) {
    at.early.try_emplace(what.turn, std::move(what));
    return;
  }
  const auto number = what.lane;
  line_up(what);
  auto& now = lanes[number];
  ++now.turn;
  for (auto next = now.early.extract(now.turn); next;
       next = now.early.extract(now.turn)) {
    line_up(next.mapped());
    ++now.turn;
  }
}

// Whoever trains elsewhere takes no turns here, so that none is waited for; the
// turn is taken all the same.
bool bench_state::refused(train_task& what, lane& at) {
  if (!what.stop.stop_requested() || what.turn == at.turn)
    return false;
  refuse(what, caf::make_error(errc::stopped));
  what.reply_to = update_sink{};
  at.early.try_emplace(what.turn, std::move(what));
  return true;
}

void bench_state::score(evaluate_task& what) {
  const auto& slot = options_.slots[what.lane];
  what.lane = slot.lane;
  send(self_, slot.who, std::move(what));
}

void bench_state::line_up(train_task& what) {
  if (!what.reply_to)
    return; // it was answered
  waiting_[options_.slots[what.lane].kind].push_back(std::move(what));
}

void bench_state::go_on() {
  auto any = false;
  for (auto& [kind, line] : waiting_) {
    std::erase_if(line, [this](const train_task& each) {
      if (!each.stop.stop_requested())
        return false;
      refuse(each, caf::make_error(errc::stopped));
      return true;
    });
    for (auto slot = free_slot(kind); slot < places_.size() && !line.empty();
         slot = free_slot(kind)) {
      seat(line.front(), slot);
      line.pop_front();
    }
    any = any || !line.empty();
  }
  if (any)
    timer_.set_by(self_, clock_now(self_) + look_every);
}

// The one with the least to do; none: as many as there are.
slot_id bench_state::free_slot(gpu::device_kind kind) const noexcept {
  auto best = places_.size();
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (places_[i].alive && options_.slots[i].kind == kind &&
        places_[i].held < options_.depth &&
        (best == places_.size() || places_[i].held < places_[best].held))
      best = i;
  return static_cast<slot_id>(best);
}

void bench_state::seat(train_task& what, slot_id slot) {
  auto& at = places_[slot];
  under_way_[{static_cast<client_id>(what.work.client), what.lease}] = {
      slot, std::move(what.reply_to)};
  what.lane = options_.slots[slot].lane;
  what.turn = at.turns++;
  what.reply_to = self_;
  ++at.held;
  send(self_, options_.slots[slot].who, std::move(what));
}

// Whose it is; none: nobody waits for it.
update_sink bench_state::returned(const ticket& whose) {
  auto found = under_way_.extract(whose);
  if (!found)
    return {};
  --places_[found.mapped().slot].held;
  return std::move(found.mapped().reply_to);
}

void bench_state::refuse(const train_task& what, caf::error why) {
  send(self_, what.reply_to,
      failure{static_cast<client_id>(what.work.client), what.lease,
          std::move(why)});
}

// An aggregator whose lease is over, or a slot: what that was at has failed,
// and what waits for a slot of its kind when none is left.
void bench_state::bury(const caf::actor_addr& who) {
  lanes_.erase(who);
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (options_.slots[i].who.address() == who)
      places_[i].alive = false;
  std::vector<ticket> lost;
  for (const auto& [whose, at] : under_way_)
    if (!places_[at.slot].alive)
      lost.push_back(whose);
  for (const auto& whose : lost)
    send(self_, returned(whose),
        failure{whose.first, whose.second,
            caf::make_error(
                errc::actor_died, std::string{"its compute slot has died"})});
  if (std::ranges::none_of(places_, &place::alive))
    self_->quit(caf::make_error(
        errc::no_slots, std::string{"no compute slot is left"}));
}

} // namespace troupe
