#include "actors/federated/shard.hpp"

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

#include "gpu/aggregation/delta.hpp"
#include "gpu/copy.hpp"

namespace troupe {
namespace {

// More save little: sums are read and written once for all of them.
constexpr std::uint64_t most_together = 32;

} // namespace

shard_state::shard_state(shard::pointer self, shard_options options)
    : self_(self),
      options_(std::move(options)),
      range_(gpu::range_of(
          options_.number, options_.of, options_.parameters->size())),
      on_(options_.where),
      sums_(on_, range_.size),
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
  auto one = brought(std::move(what.delta));
  if (what.base && what.base != options_.parameters)
    one = mixed(one, what.base);
  one.weight = what.weight;
  one.share = what.share;
  waiting_.push_back(std::move(one));
  if (waiting_.size() >= (on_.on_gpu() ? together_ : 1))
    add_up();
}

// A block is complete when it is sent, so no other stream is waited for.
shard_state::waiting shard_state::brought(gpu::shared_buffer block) {
  if (block->where() == on_.where()) {
    const auto values = range_.of(block->span());
    return {std::move(block), values};
  }
  auto here = std::make_shared<gpu::buffer>(range_.size, on_);
  gpu::copy_across(on_, *block, range_, here->span());
  return {here, here->span()};
}

shard_state::waiting shard_state::mixed(
    const waiting& delta, const gpu::shared_buffer& base) {
  auto from = brought(base);
  auto now = brought(options_.parameters);
  auto result = std::make_shared<gpu::buffer>(range_.size, on_);
  gpu::rebase(on_, from.values, delta.values, now.values, result->span());
  on_.synchronise(); // what was given may go now
  return {result, result->span()};
}

void shard_state::add_up() {
  if (waiting_.empty())
    return;
  std::vector<gpu::contribution> some;
  for (const auto& one : waiting_)
    some.push_back({one.values, one.weight, one.share});
  const auto answers = sums_.add(on_, some);
  assert(std::ranges::count(answers, gpu::admission::added) ==
             std::ssize(answers) &&
         "what was admitted can be summed");
  static_cast<void>(answers);
  unacknowledged_ += waiting_.size();
  waiting_.clear();
  if (unacknowledged_ >= options_.credit)
    acknowledge();
}

void shard_state::round(const publish& what) {
  add_up();
  const auto next = range_.of(what.into->span());
  write(next, options_.server_lr * what.scale);
  const auto step = gpu::largest_difference(next, current());
  options_.parameters = what.into;
  acknowledge();
  send(self_, options_.report_to,
      published{what.version, options_.number, step});
}

// Versions travel in the host's memory, to whoever trains, scores or stores.
void shard_state::write(std::span<float> next, double rate) {
  if (sums_.contributions() == 0) {
    std::ranges::copy(current(), next.begin());
    return;
  }
  if (on_.on_gpu()) {
    gpu::buffer here{range_.size, on_};
    gpu::copy<float>(on_, current(), here.span());
    sums_.publish(on_, here.span(), rate, here.span());
    gpu::copy<float>(on_, here.span(), next);
    on_.synchronise();
  } else {
    sums_.publish(on_, current(), rate, next);
  }
  sums_.clear(on_);
}

void shard_state::forget() {
  add_up();
  sums_.clear(on_);
  acknowledge();
}

void shard_state::acknowledge() {
  if (unacknowledged_ > 0)
    send(self_, options_.report_to, added{options_.number, unacknowledged_});
  unacknowledged_ = 0;
}

std::span<const float> shard_state::current() const {
  return range_.of(options_.parameters->span());
}

} // namespace troupe
