#include "actors/parallel/rank.hpp"

#include <utility>

namespace troupe::parallel {

rank_state::rank_state(rank_actor::pointer self, executor does)
    : self_(self), does_(std::move(does)) {
  self_->link_to(does_);
}

rank_state::~rank_state() {
  epoch_.request_stop();
}

rank_actor::behavior_type rank_state::make_behavior() {
  return {
      [this](const convene& what) { begin(what); },
      [this](const muster& what) { send(self_, does_, what); },
      [this](const advance& what) { send(self_, does_, what); },
      [this](const assess& what) { send(self_, does_, what); },
      [this](const hand_over& what) { send(self_, does_, what); },
  };
}

void rank_state::begin(const convene& what) {
  epoch_.request_stop();
  epoch_ = std::stop_source{};
  send(self_, does_, start_over{what, epoch_.get_token()});
}

} // namespace troupe::parallel
