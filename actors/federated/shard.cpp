#include "actors/federated/shard.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <memory>
#include <utility>

#include "gpu/aggregation/delta.hpp"
#include "gpu/copy.hpp"

namespace troupe {
namespace {

// More save little: sums are read and written once for all of them.
constexpr std::uint64_t most_together = 32;
// Whoever waits for a checksum is not to wait for other clients.
constexpr duration acknowledge_within = std::chrono::milliseconds{50};

// Of a version, the part that is in `range`.
template <class Value, class Block, class State>
gpu::server_blocks<Value> server_blocks_of(const gpu::server_options& server,
    const gpu::range& range, Block& parameters, const State& state) {
  gpu::server_blocks<Value> result;
  result.parameters = range.of(parameters.span());
  std::size_t i = 0;
  for (auto name : gpu::state_names(server))
    result.of(name) = range.of(state[i++]->span());
  return result;
}

} // namespace

shard_state::shard_state(shard::pointer self, shard_options options)
    : self_(self),
      options_(std::move(options)),
      range_(gpu::range_of(
          options_.number, options_.of, options_.parameters->size())),
      on_(options_.where),
      sums_(on_, options_.server, range_),
      together_(std::clamp<std::uint64_t>(options_.credit, 1, most_together)) {}

shard::behavior_type shard_state::make_behavior() {
  return {
      [this](add& what) { take(what); },
      [this](const publish& what) { gather(what); },
      [this](discard) { forget(); },
      [this](const tick& what) { ring(what); },
  };
}

// A CPU adds at once, while the contribution is in its caches.
void shard_state::take(add& what) {
  auto one = brought(std::move(what.delta));
  if (what.base && what.base != options_.parameters)
    one = mixed(one, what.base);
  one.weight = what.weight;
  one.share = what.share;
  one.drift = what.drift;
  waiting_.push_back(std::move(one));
  if (waiting_.size() >= (on_.on_gpu() ? together_ : 1))
    add_up();
  if (!waiting_.empty() || !checksums_.empty())
    timer_.set_by(self_, clock_now(self_) + acknowledge_within);
}

void shard_state::ring(const tick& what) {
  if (!timer_.rang(self_, what.turn))
    return;
  add_up();
  acknowledge();
}

// A block is complete when it is sent, so no other stream is waited for.
shard_state::waiting shard_state::brought(gpu::shared_buffer block) {
  assert(block && "whoever sends a tensor to a shard has fetched it");
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
  std::vector<double> drifts;
  for (const auto& one : waiting_) {
    some.push_back({one.values, one.weight, one.share});
    drifts.push_back(one.drift);
  }
  const auto answers = sums_.add(on_, some, drifts);
  for (const auto& each : answers) {
    assert(each == gpu::admission::added && "what was admitted can be summed");
    checksums_.push_back(each.checksum);
  }
  waiting_.clear();
  if (checksums_.size() >= options_.credit)
    acknowledge();
}

void shard_state::gather(const publish& what) {
  if (options_.edges.empty())
    return round(what);
  asked_ = what;
  missing_ = options_.edges.size();
  for (const auto& each : options_.edges)
    ask(self_, each, caf::infinite, hand_in{what.version})
        .then([this](const handed_in& sums) { merge(sums); },
            [this](caf::error& why) { self_->quit(std::move(why)); });
}

void shard_state::merge(const handed_in& what) {
  if (what.sums) {
    const auto said = sums_.merge(on_, *what.sums, what.drift.get());
    assert(said == gpu::admission::added && "what was admitted can be summed");
    static_cast<void>(said);
  }
  if (--missing_ == 0)
    round(*std::exchange(asked_, std::nullopt));
}

void shard_state::round(const publish& what) {
  add_up();
  const auto& into = what.into->get();
  const auto next = server_blocks_of<float>(
      options_.server, range_, *into.parameters, into.state);
  const auto sum =
      sums_.publish(on_, current(), what.scale, next, what.variate);
  const auto step =
      gpu::largest_difference(next.parameters, current().parameters);
  options_.parameters = into.parameters;
  for (std::size_t i = 0; i < into.state.size(); ++i)
    options_.blocks[i].values = into.state[i];
  acknowledge();
  send(self_, options_.report_to,
      published{what.version, options_.number, step, sum});
}

void shard_state::forget() {
  add_up();
  sums_.clear(on_);
  acknowledge();
}

void shard_state::acknowledge() {
  if (!checksums_.empty())
    send(self_, options_.report_to,
        added{options_.number, std::exchange(checksums_, {})});
}

gpu::server_blocks<const float> shard_state::current() const {
  std::vector<gpu::shared_buffer> state;
  for (const auto& each : options_.blocks)
    state.push_back(each.values);
  return server_blocks_of<const float>(
      options_.server, range_, *options_.parameters, state);
}

} // namespace troupe
