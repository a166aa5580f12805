#include "protocols/pipeline/stage.hpp"

#include <algorithm>
#include <cassert>

namespace troupe::pipeline {
namespace {

using enum message::kind;
using kind = work::kind;

} // namespace

stage::stage(const plan& of, std::uint32_t rank)
    : plan_(of), rank_(rank), credits_(of.chunks) {
  assert(fault_of(of).empty() && "a plan that can be");
  assert(rank < of.ranks && "a rank of those there are");
  for (std::uint32_t chunk = 0; chunk < of.chunks; ++chunk) {
    if (is_last(chunk))
      continue;
    const auto to = to_next({kind::forward, chunk, 0});
    credits_[chunk] = credits_of(of, to.rank, to.chunk);
  }
  limit();
}

bool stage::limit() {
  if (!fault_of(plan_).empty() || rank_ >= plan_.ranks ||
      credits_.size() != plan_.chunks)
    return false;
  most_held_ = most_held(plan_, rank_);
  most_kept_ = most_kept(plan_, rank_);
  return true;
}

drop_reason stage::arrive(const message& what) {
  const unit of{what.chunk, what.micro_batch};
  if (what.rank != rank_ || what.chunk >= plan_.chunks ||
      what.micro_batch >= plan_.steps * plan_.micro_batches)
    return drop_reason::unknown;
  const auto forward = forward_position(plan_, of);
  if (what.what == activation) {
    if (is_first(what.chunk))
      return drop_reason::unknown;
    if (forward < forwards_ || is_here(what))
      return drop_reason::duplicate;
  } else {
    if (is_last(what.chunk) || forward >= forwards_ ||
        running_ == work{kind::forward, what.chunk, what.micro_batch})
      return drop_reason::unknown;
    if (backward_position(plan_, of) < backwards_ || is_here(what))
      return drop_reason::duplicate;
    ++credits_[what.chunk];
  }
  here_.insert(std::ranges::upper_bound(here_, what), what);
  return drop_reason::none;
}

std::optional<work> stage::next() {
  if (running_ || over())
    return {};
  if (update_due())
    running_ = {kind::update, 0, updates_++};
  else if (forward_ready())
    running_ = begin_forward();
  else if (backward_ready())
    running_ = begin_backward();
  else if (weight_ready()) {
    const auto of = backward_at(plan_, weights_++);
    running_ = {kind::weight, of.chunk, of.micro_batch};
  }
  return running_;
}

std::optional<message> stage::finish(const work& what) {
  assert(running_ == what && "what is under way");
  running_.reset();
  if (what.what == kind::forward) {
    if (!is_last(what.chunk))
      return to_next(what);
    // The loss is its gradient.
    const message own{gradient, rank_, what.chunk, what.of};
    here_.insert(std::ranges::upper_bound(here_, own), own);
  } else if (what.what == kind::backward && !is_first(what.chunk))
    return to_last(what);
  return {};
}

std::uint64_t stage::held() const noexcept {
  const bool one = running_ && running_->what == kind::backward;
  return forwards_ - backwards_ + one;
}

std::uint64_t stage::kept() const noexcept {
  if (!plan_.split())
    return 0;
  const bool backward = running_ && running_->what == kind::backward;
  const bool weight = running_ && running_->what == kind::weight;
  return backwards_ - backward - weights_ + weight;
}

std::uint64_t stage::in_use(std::uint32_t chunk) const noexcept {
  if (is_last(chunk))
    return 0;
  const auto to = to_next({kind::forward, chunk, 0});
  return credits_of(plan_, to.rank, to.chunk) - credits_[chunk];
}

bool stage::is_first(std::uint32_t chunk) const noexcept {
  return rank_ == 0 && chunk == 0;
}

bool stage::is_last(std::uint32_t chunk) const noexcept {
  return rank_ + 1 == plan_.ranks && chunk + 1 == plan_.chunks;
}

bool stage::is_here(const message& what) const {
  return std::ranges::binary_search(here_, what);
}

bool stage::update_due() const noexcept {
  const auto all = (updates_ + 1) * plan_.units();
  return backwards_ == all && (!plan_.split() || weights_ == all);
}

bool stage::forward_ready() const {
  if (forwards_ == plan_.steps * plan_.units() || held() >= most_held_ ||
      held() + kept() >= most_kept_)
    return false;
  const auto of = forward_at(plan_, forwards_);
  return version_of(plan_, of.micro_batch) <= updates_ &&
         (is_last(of.chunk) || credits_[of.chunk] > 0) &&
         (is_first(of.chunk) ||
             is_here({activation, rank_, of.chunk, of.micro_batch}));
}

bool stage::backward_ready() const {
  if (backwards_ == forwards_)
    return false;
  const auto of = backward_at(plan_, backwards_);
  if (plan_.how == policy::gpipe && forwards_ < (updates_ + 1) * plan_.units())
    return false;
  return is_here({gradient, rank_, of.chunk, of.micro_batch});
}

// Those that are kept for the end are done while the ranks before it are still
// at their backwards.
bool stage::weight_ready() const noexcept {
  const bool end = backwards_ == (updates_ + 1) * plan_.units();
  return plan_.split() && weights_ < backwards_ &&
         (end || kept() > kept_for_end(plan_, rank_));
}

work stage::begin_forward() {
  const auto of = forward_at(plan_, forwards_++);
  std::erase(here_, message{activation, rank_, of.chunk, of.micro_batch});
  if (!is_last(of.chunk))
    --credits_[of.chunk];
  return {kind::forward, of.chunk, of.micro_batch};
}

work stage::begin_backward() {
  const auto of = backward_at(plan_, backwards_++);
  std::erase(here_, message{gradient, rank_, of.chunk, of.micro_batch});
  return {kind::backward, of.chunk, of.micro_batch};
}

message stage::to_next(const work& what) const noexcept {
  const bool around = rank_ + 1 == plan_.ranks;
  return {activation, around ? 0 : rank_ + 1,
      around ? what.chunk + 1 : what.chunk, what.of};
}

message stage::to_last(const work& what) const noexcept {
  const bool around = rank_ == 0;
  return {gradient, around ? plan_.ranks - 1 : rank_ - 1,
      around ? what.chunk - 1 : what.chunk, what.of};
}

} // namespace troupe::pipeline
