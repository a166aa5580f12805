#include "actors/shard.hpp"

#include <memory>
#include <utility>

#include "gpu/copy.hpp"

namespace troupe {

shard_state::shard_state(shard::pointer self, shard_options options)
    : self_(self),
      options_(std::move(options)),
      sums_(options_.parameters->size()) {}

shard::behavior_type shard_state::make_behavior() {
  return {
      [this](const add& what) { add_up(what); },
      [this](const publish& what) { round(what.version); },
      [this](discard) { sums_.clear(); },
  };
}

void shard_state::add_up(const add& what) {
  auto delta = on_host(what.delta);
  auto answer = sums_.add(delta->span(), what.weight, what.share);
  if (answer != gpu::admission::added)
    send(self_, options_.report_to, refused{what.lease, what.client, answer});
  if (++unacknowledged_ >= options_.credit)
    acknowledge();
}

// A delta was done before it was sent, so no other stream is waited for.
gpu::shared_buffer shard_state::on_host(gpu::shared_buffer delta) {
  auto where = delta->where();
  if (where.kind == gpu::device_kind::cpu)
    return delta;
  auto found = streams_.find(where.index);
  if (found == streams_.end())
    found = streams_.emplace(where.index, gpu::device_stream{where}).first;
  auto result = std::make_shared<gpu::buffer>(delta->size());
  gpu::copy<float>(found->second, delta->span(), result->span());
  found->second.synchronise();
  return result;
}

void shard_state::round(version_id version) {
  if (sums_.contributions() > 0) {
    const auto& base = options_.parameters;
    auto next = std::make_shared<gpu::buffer>(base->size(), base->where());
    sums_.publish(base->span(), options_.server_lr, next->span());
    options_.parameters = std::move(next);
    sums_.clear();
  }
  acknowledge();
  send(self_, options_.report_to, published{version, options_.parameters});
}

void shard_state::acknowledge() {
  if (unacknowledged_ > 0)
    send(self_, options_.report_to, added{unacknowledged_});
  unacknowledged_ = 0;
}

} // namespace troupe
