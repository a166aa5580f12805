#include "actors/shard.hpp"

#include <memory>
#include <utility>

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
  auto answer = sums_.add(what.delta->span(), what.weight, what.share);
  if (answer != gpu::admission::added)
    send(self_, options_.report_to, refused{what.lease, what.client, answer});
  if (++unacknowledged_ >= options_.credit)
    acknowledge();
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
