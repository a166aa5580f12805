#include "actors/evaluator.hpp"

#include <algorithm>
#include <utility>

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
      slots_[i].alive = is_gpu(options_.slots[i]);
}

evaluator::behavior_type evaluator_state::make_behavior() {
  return {
      [this](evaluate& what) {
        queue_.push_back(std::move(what));
        if (queue_.size() == 1)
          start();
      },
      [this](evaluated_part& part) { collect(part); },
      [this](slot_gone what) { forget(what.slot); },
  };
}

void evaluator_state::start() {
  auto parts = (options_.data.size() + options_.part - 1) / options_.part;
  started_ = clock_now(self_);
  sums_.assign(parts, {});
  cpu_seconds_ = 0.0;
  missing_ = parts;
  open_.clear();
  for (std::uint64_t i = 0; i < parts; ++i)
    open_.push_back(base_ + i);
  hand_out();
}

// Parts are numbered over all evaluations, so that an answer to an abandoned
// one is known as such.
void evaluator_state::hand_out() {
  for (std::size_t i = 0; i < slots_.size() && !open_.empty(); ++i) {
    if (!slots_[i].alive || slots_[i].part)
      continue;
    auto part = open_.front();
    open_.pop_front();
    slots_[i].part = part;
    auto first = (part - base_) * options_.part;
    auto count = std::min(options_.part, options_.data.size() - first);
    send(self_, options_.slots[i].who,
        evaluate_task{part, options_.data.slice(first, count),
            queue_.front().parameters, self_, {}});
  }
}

void evaluator_state::collect(evaluated_part& part) {
  // A slot that was given up may still answer; nobody waits for that.
  auto holder = std::find_if(slots_.begin(), slots_.end(),
      [&](const auto& s) { return s.part == part.part; });
  if (holder == slots_.end())
    return;
  holder->part.reset();
  if (part.part < base_) {
    hand_out();
    return;
  }
  if (part.failed) {
    finish(std::move(part.failed));
    return;
  }
  sums_[part.part - base_] = part.sums;
  cpu_seconds_ += part.cpu_seconds;
  if (--missing_ == 0)
    finish({});
  else
    hand_out();
}

void evaluator_state::forget(slot_id which) {
  auto& gone = slots_[which];
  gone.alive = false;
  if (gone.part && !queue_.empty() && *gone.part >= base_)
    open_.push_front(*gone.part);
  gone.part.reset();
  if (!queue_.empty())
    hand_out();
}

void evaluator_state::finish(caf::error failed) {
  scored result{
      queue_.front().version, {}, 0.0, cpu_seconds_, std::move(failed)};
  for (const auto& sums : sums_)
    result.sums.merge(sums);
  result.seconds = seconds(clock_now(self_) - started_);
  send(self_, options_.report_to, std::move(result));
  base_ += sums_.size();
  queue_.pop_front();
  if (!queue_.empty())
    start();
}

} // namespace troupe
