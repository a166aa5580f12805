#include "actors/cluster/rank_host.hpp"

#include <utility>

#include <fmt/format.h>

namespace troupe::cluster {
namespace {

// Of an order: those that are not here.
template <class Visit>
void each_missing(parallel::muster& what, Visit&& visit) {
  if (what.parameters && !what.parameters.here)
    visit(what.parameters);
  for (auto& one : what.blocks)
    if (!one.values.here)
      visit(one.values);
}

} // namespace

rank_host_state::rank_host_state(
    rank_host::pointer self, rank_host_options options)
    : self_(self), options_(std::move(options)) {
  self_->set_down_handler([this](const caf::down_msg& what) {
    end({"a rank of this node has died: " + to_string(what.reason), false, 1});
  });
}

rank_host::behavior_type rank_host_state::make_behavior() {
  ranks_ = options_.ranks(caf::actor_cast<rank_host>(self_));
  for (const auto& one : ranks_)
    watch(self_, one);
  return {
      [this](const parallel::convene& what) { hear(what); },
      [this](parallel::muster& what) { hear(what); },
      [this](const parallel::advance& what) { hear(what); },
      [this](const parallel::assess& what) { hear(what); },
      [this](const parallel::hand_over& what) { hear(what); },
      [this](const serve& what) { return start(what); },
      [this](const interrupt&) { want_to_leave(); },
      [this](const arrived& what) { hear(what); },
      [this](const refusal& what) { hear(what); },
      [this](const drain& what) { hear(what); },
      [this](const farewell& what) { hear(what); },
      [this](const fetched& what) { bring(what); },
      [this](const parted& what) {
        end({what.why, false, 1});
      },
      [this](const parallel::convened& what) { answer(what); },
      [this](const parallel::mustered& what) { answer(what); },
      [this](const parallel::advanced& what) { answer(what); },
      [this](const parallel::assessed& what) { answer(what); },
      [this](parallel::handed& what) { answer(what); },
      [this](const parallel::broken& what) { answer(what); },
  };
}

template <class What>
void rank_host_state::hear(What& what) {
  options_.peer->took();
  if (!over_)
    receive(what);
}

caf::result<farewell> rank_host_state::start(const serve& what) {
  promise_ = self_->make_response_promise<farewell>();
  options_.peer->send(what.with);
  return promise_;
}

const parallel::rank_actor* rank_host_state::rank_at(parallel::seat_id seat) {
  const auto at = seats_.find(seat);
  if (at != seats_.end())
    return &ranks_[at->second];
  options_.peer->close(fmt::format("it named seat {}, which is none", seat));
  return nullptr;
}

// What was under way for this seat is void.
void rank_host_state::receive(const parallel::convene& what) {
  if (what.lane >= ranks_.size())
    return options_.peer->close(
        fmt::format("it named rank {}, which is none", what.lane));
  seats_[what.seat] = what.lane;
  waiting_.erase(what.seat);
  std::erase_if(lent_, [&](const auto& one) {
    if (one.second == what.seat)
      options_.peer->take_back(one.first);
    return one.second == what.seat;
  });
  send(self_, ranks_[what.lane], what);
}

void rank_host_state::receive(parallel::muster& what) {
  const auto* rank = rank_at(what.seat);
  if (!rank)
    return;
  std::vector<tensor> elsewhere;
  each_missing(what, [&](const tensor& one) { elsewhere.push_back(one); });
  if (elsewhere.empty())
    return send(self_, *rank, std::move(what));
  const auto seat = what.seat;
  waiting_[seat] = {std::move(what), elsewhere.size()};
  options_.peer->fetch_together(elsewhere);
}

template <class Order>
void rank_host_state::receive(const Order& what) {
  if (const auto* rank = rank_at(what.seat))
    send(self_, *rank, what);
}

// What nobody waits for is of an epoch that is over.
void rank_host_state::bring(const fetched& what) {
  for (auto at = waiting_.begin(); at != waiting_.end() && !over_; ++at) {
    auto& [order, missing] = at->second;
    tensor* to = nullptr;
    each_missing(order, [&](tensor& one) {
      if (one.id == what.what)
        to = &one;
    });
    if (!to)
      continue;
    if (!what.failed.empty())
      return options_.peer->close("a tensor did not come: " + what.failed);
    *to = what.here;
    if (--missing > 0)
      return;
    send(self_, ranks_[seats_.at(at->first)], std::move(order));
    waiting_.erase(at);
    return;
  }
}

void rank_host_state::receive(const arrived& what) {
  if (lent_.erase(what.what) > 0)
    options_.peer->take_back(what.what);
}

template <class Answer>
void rank_host_state::answer(Answer& what) {
  if (!over_)
    options_.peer->send(what);
}

void rank_host_state::answer(parallel::handed& what) {
  if (over_)
    return;
  pass(what.parameters, what.seat);
  for (auto& one : what.blocks)
    pass(one.values, what.seat);
  options_.peer->send(what);
}

void rank_host_state::pass(tensor& what, parallel::seat_id from) {
  what = options_.peer->pass(std::move(what.here));
  if (what.id != 0)
    lent_[what.id] = from;
}

void rank_host_state::want_to_leave() {
  if (!over_)
    options_.peer->send(drain{});
}

void rank_host_state::end(farewell how) {
  if (std::exchange(over_, true))
    return;
  options_.peer->close(how.why);
  promise_.deliver(std::move(how));
}

} // namespace troupe::cluster
