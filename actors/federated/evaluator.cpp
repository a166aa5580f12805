#include "actors/federated/evaluator.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "protocols/errc.hpp"
#include "protocols/ids.hpp"

namespace troupe {

evaluator_state::evaluator_state(
    evaluator::pointer self, evaluator_options options)
    : self_(self), options_(std::move(options)), slots_(options_.slots.size()) {
  auto is_gpu = [](const compute_slot& each) {
    return each.kind == gpu::device_kind::cuda;
  };
  if (std::ranges::any_of(options_.slots, is_gpu))
    for (std::size_t i = 0; i < slots_.size(); ++i)
      slots_[i].scores = is_gpu(options_.slots[i]);
}

// Nobody is left to hear of what they are at.
evaluator_state::~evaluator_state() {
  stop_all();
}

evaluator::behavior_type evaluator_state::make_behavior() {
  return {
      [this](evaluate& what) { ask(what); },
      [this](const part_begun& what) { note(what); },
      [this](const evaluated_part& what) { collect(what); },
      [this](slot_gone what) { forget(what.slot); },
      [this](slot_back what) {
        slots_[what.slot].alive = true;
        hand_out();
      },
      [this](const slots_lent& what) { take_in(what); },
      [this](interrupt) { call_off(); },
      [this](tick what) { give_up(what); },
  };
}

// One of the kind that has scored so far; where none did, of its own.
void evaluator_state::take_in(const slots_lent& what) {
  const auto scores = [this](gpu::device_kind kind) {
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (slots_[i].scores)
        return options_.slots[i].kind == kind;
    return true;
  };
  for (const auto& each : what.what) {
    slots_.push_back({.scores = what.scores && scores(each.kind)});
    options_.slots.push_back(each);
  }
  if (!queue_.empty() && !failed_)
    hand_out();
}

void evaluator_state::ask(evaluate& what) {
  queue_.push_back(std::move(what));
  if (queue_.size() == 1)
    start();
}

void evaluator_state::start() {
  const auto parts = (options_.data.size() + options_.part - 1) / options_.part;
  started_ = clock_now(self_);
  sums_.assign(parts, {});
  cpu_seconds_ = 0.0;
  missing_ = parts;
  failed_ = {};
  open_.clear();
  for (std::size_t i = 0; i < parts; ++i)
    open_.push_back(i);
  if (called_off_)
    return fail(caf::make_error(errc::stopped));
  hand_out();
}

void evaluator_state::hand_out() {
  if (!open_.empty() && !has_slot())
    return wait();
  lacks_since_.reset();
  for (std::size_t i = 0; i < slots_.size() && !open_.empty(); ++i) {
    auto& to = slots_[i];
    if (!to.scores || !to.alive || to.at)
      continue;
    to.at = task{tasks_++, open_.front()};
    open_.pop_front();
    auto first = to.at->part * options_.part;
    auto count = std::min(options_.part, options_.data.size() - first);
    send(self_, options_.slots[i].who,
        evaluate_task{to.at->number, options_.data.slice(first, count),
            queue_.front().parameters, self_, to.at->stop.get_token(), first,
            options_.slots[i].lane});
  }
}

bool evaluator_state::has_slot() const {
  return std::ranges::any_of(
      slots_, [](const slot& s) { return s.scores && s.alive; });
}

// Slots may come with a node.
void evaluator_state::wait() {
  if (!lacks_since_)
    lacks_since_ = clock_now(self_);
  const auto end = *lacks_since_ + options_.patience;
  if (clock_now(self_) < end)
    return timer_.set(self_, end);
  lacks_since_.reset();
  fail(caf::make_error(
      errc::no_slots, std::string{"no compute slot that scores is left"}));
}

void evaluator_state::give_up(tick what) {
  if (timer_.rang(self_, what.turn) && lacks_since_ && !queue_.empty() &&
      !failed_)
    wait();
}

// None where the slot was given up and its part is at another one.
evaluator_state::slot* evaluator_state::at(std::uint64_t number) {
  auto found = std::ranges::find_if(slots_,
      [number](const auto& s) { return s.at && s.at->number == number; });
  return found == slots_.end() ? nullptr : &*found;
}

void evaluator_state::tell_busy(const slot& which, bool busy, bool alone) {
  send(self_, options_.report_to,
      slot_scoring{static_cast<slot_id>(&which - slots_.data()), busy, alone});
}

void evaluator_state::note(const part_begun& what) {
  auto* holder = at(what.part);
  if (!holder)
    return;
  holder->at->begun = true;
  tell_busy(*holder, true, what.alone);
}

void evaluator_state::collect(const evaluated_part& what) {
  auto* holder = at(what.part);
  if (!holder)
    return;
  const auto done = *std::exchange(holder->at, std::nullopt);
  if (done.begun)
    tell_busy(*holder, false, true);
  cpu_seconds_ += what.cpu_seconds;
  if (failed_)
    return settle();
  if (what.failed)
    return fail(what.failed);
  sums_[done.part] = what.sums;
  if (--missing_ == 0)
    finish();
  else
    hand_out();
}

// The aggregator knows itself that the slot is at nothing any more.
void evaluator_state::forget(slot_id which) {
  auto& gone = slots_[which];
  gone.alive = false;
  if (auto given_up = std::exchange(gone.at, std::nullopt)) {
    given_up->stop.request_stop();
    open_.push_front(given_up->part);
  }
  if (queue_.empty())
    return;
  if (failed_)
    settle();
  else
    hand_out();
}

void evaluator_state::call_off() {
  called_off_ = true;
  if (!queue_.empty() && !failed_)
    fail(caf::make_error(errc::stopped));
}

void evaluator_state::fail(caf::error why) {
  failed_ = std::move(why);
  stop_all();
  settle();
}

void evaluator_state::stop_all() {
  for (auto& each : slots_)
    if (each.at)
      each.at->stop.request_stop();
}

void evaluator_state::settle() {
  if (std::ranges::none_of(slots_, [](const auto& s) { return bool(s.at); }))
    finish();
}

void evaluator_state::finish() {
  scored result{queue_.front().version, {}, 0.0, cpu_seconds_, failed_};
  for (const auto& sums : sums_)
    result.sums.merge(sums);
  result.seconds = seconds(clock_now(self_) - started_);
  send(self_, options_.report_to, std::move(result));
  queue_.pop_front();
  open_.clear();
  if (!queue_.empty())
    start();
}

} // namespace troupe
