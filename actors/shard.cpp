#include "actors/shard.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "gpu/copy.hpp"
#include "gpu/delta.hpp"

namespace troupe {
namespace {

// More save little: sums are read and written once for all of them.
constexpr std::uint64_t most_together = 32;

} // namespace

shard_state::shard_state(shard::pointer self, shard_options options)
    : self_(self),
      options_(std::move(options)),
      on_(options_.where),
      sums_(on_, options_.parameters->size()),
      together_(std::clamp<std::uint64_t>(options_.credit, 1, most_together)) {}

shard::behavior_type shard_state::make_behavior() {
  return {
      [this](add& what) { take(what); },
      [this](const publish& what) { round(what); },
      [this](discard) { forget(); },
  };
}

// A CPU adds at once, while the contribution is in its caches.
void shard_state::take(add& what) {
  what.delta = bring(std::move(what.delta));
  if (what.base && what.base != options_.parameters)
    what.delta = mixed(what);
  waiting_.push_back(std::move(what));
  if (waiting_.size() >= (on_.on_gpu() ? together_ : 1))
    add_up();
}

// A block is complete when it is sent, so no other stream is waited for.
gpu::shared_buffer shard_state::bring(gpu::shared_buffer block) {
  if (block->where() == on_.where())
    return block;
  auto here = std::make_shared<gpu::buffer>(block->size(), on_);
  gpu::copy_across(on_, *block, here->span());
  return here;
}

gpu::shared_buffer shard_state::mixed(const add& what) {
  auto base = bring(what.base);
  auto current = bring(options_.parameters);
  auto result = std::make_shared<gpu::buffer>(what.delta->size(), on_);
  gpu::rebase(
      on_, base->span(), what.delta->span(), current->span(), result->span());
  on_.synchronise(); // what was given may go now
  return result;
}

void shard_state::add_up() {
  if (waiting_.empty())
    return;
  std::vector<gpu::contribution> some;
  for (const auto& one : waiting_)
    some.push_back({one.delta->span(), one.weight, one.share});
  auto answers = sums_.add(on_, some);
  for (std::size_t i = 0; i < answers.size(); ++i)
    if (answers[i] != gpu::admission::added)
      send(self_, options_.report_to,
          refused{waiting_[i].lease, waiting_[i].client, answers[i]});
  unacknowledged_ += waiting_.size();
  waiting_.clear();
  if (unacknowledged_ >= options_.credit)
    acknowledge();
}

void shard_state::round(const publish& what) {
  add_up();
  if (sums_.contributions() > 0) {
    options_.parameters = rounded(options_.server_lr * what.scale);
    sums_.clear(on_);
  }
  acknowledge();
  send(self_, options_.report_to, published{what.version, options_.parameters});
}

// Versions travel in the host's memory, to whoever trains, scores or stores.
gpu::shared_buffer shard_state::rounded(double rate) {
  const auto& base = options_.parameters;
  auto next = std::make_shared<gpu::buffer>(base->size());
  if (!on_.on_gpu()) {
    sums_.publish(on_, base->span(), rate, next->span());
    return next;
  }
  gpu::buffer here{base->size(), on_};
  gpu::copy<float>(on_, base->span(), here.span());
  sums_.publish(on_, here.span(), rate, here.span());
  gpu::copy<float>(on_, here.span(), next->span());
  on_.synchronise();
  return next;
}

void shard_state::forget() {
  add_up();
  sums_.clear(on_);
  acknowledge();
}

void shard_state::acknowledge() {
  if (unacknowledged_ > 0)
    send(self_, options_.report_to, added{unacknowledged_});
  unacknowledged_ = 0;
}

} // namespace troupe
