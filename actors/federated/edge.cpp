#include "actors/federated/edge.hpp"

#include <cassert>
#include <chrono>
#include <memory>
#include <utility>

#include "gpu/copy.hpp"

namespace troupe {
namespace {

// Whoever waits for a checksum is not to wait for other clients.
constexpr duration acknowledge_within = std::chrono::milliseconds{50};

} // namespace

edge_state::edge_state(edge_shard::pointer self, edge_options options)
    : self_(self),
      options_(std::move(options)),
      range_(gpu::range_of(options_.number, options_.of, options_.parameters)),
      on_(gpu::device{}),
      sums_(on_, options_.server, range_) {}

edge_shard::behavior_type edge_state::make_behavior() {
  return {
      [this](const add& what) { take(what); },
      [this](discard) {
        sums_.clear(on_);
        acknowledge();
      },
      [this](const hand_in& what) { return hand_over(what); },
      [this](const tick& what) {
        if (timer_.rang(self_, what.turn))
          acknowledge();
      },
  };
}

void edge_state::take(const add& what) {
  assert(!what.base && "a model that is mixed is the shard's to mix");
  auto block = what.delta.here;
  gpu::buffer here;
  std::span<const float> values;
  if (block->where().kind == gpu::device_kind::cpu) {
    values = range_.of(block->span());
  } else {
    here = gpu::buffer(range_.size);
    gpu::copy_across(on_, *block, range_, here.span());
    values = here.span();
  }
  const gpu::contribution one{values, what.weight, what.share};
  const auto said = sums_.add(on_, {&one, 1}, {&what.drift, 1});
  assert(said.front() == gpu::admission::added && "it was admitted");
  checksums_.push_back(said.front().checksum);
  if (checksums_.size() >= options_.credit)
    acknowledge();
  else
    timer_.set_by(self_, clock_now(self_) + acknowledge_within);
}

caf::result<handed_in> edge_state::hand_over(const hand_in& what) {
  acknowledge();
  if (options_.below.empty())
    return sums();
  missing_ = options_.below.size();
  asked_ = self_->make_response_promise<handed_in>();
  for (const auto& each : options_.below)
    ask(self_, each, caf::infinite, hand_in{what.version})
        .then([this](const handed_in& x) { merge(x); },
            [this](caf::error& why) { self_->quit(std::move(why)); });
  return asked_;
}

void edge_state::merge(const handed_in& what) {
  if (what.sums) {
    const auto said = sums_.merge(on_, *what.sums, what.drift.get());
    assert(said == gpu::admission::added && "what was admitted can be summed");
    static_cast<void>(said);
  }
  if (--missing_ == 0)
    asked_.deliver(sums());
}

handed_in edge_state::sums() {
  if (sums_.contributions() == 0)
    return {};
  auto [sums, drift] = sums_.hand_over(on_);
  handed_in result;
  result.sums = std::make_shared<const gpu::accumulator>(std::move(sums));
  if (drift)
    result.drift = std::make_shared<const gpu::accumulator>(std::move(*drift));
  return result;
}

void edge_state::acknowledge() {
  if (!checksums_.empty())
    send(self_, options_.report_to,
        added{static_cast<shard_id>(
                  options_.edge * options_.of + options_.number),
            std::exchange(checksums_, {})});
}

} // namespace troupe
