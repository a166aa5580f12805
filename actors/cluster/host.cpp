#include "actors/cluster/host.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "protocols/evaluation.hpp"
#include "protocols/run.hpp"
#include "protocols/training.hpp"

namespace troupe::cluster {
namespace {

std::stop_token stopped() {
  std::stop_source source;
  source.request_stop();
  return source.get_token();
}

} // namespace

host_state::host_state(host::pointer self, host_options options)
    : self_(self), options_(std::move(options)) {}

host_state::~host_state() {
  stop_parts();
}

host::behavior_type host_state::make_behavior() {
  return {
      [this](const serve& what) { return start(what); },
      [this](const hand_over&) { return give_kept(); },
      [this](const interrupt&) { want_to_leave(); },
      [this](const seated& what) { hear(what); },
      [this](const score& what) { hear(what); },
      [this](const revoke& what) { hear(what); },
      [this](const carried& what) { hear(what); },
      [this](const call_off& what) { hear(what); },
      [this](const state_stored& what) { hear(what); },
      [this](const release& what) { hear(what); },
      [this](const arrived& what) { hear(what); },
      [this](const durable& what) { hear(what); },
      [this](const refusal& what) { hear(what); },
      [this](const drain& what) { hear(what); },
      [this](const farewell& what) { hear(what); },
      [this](const fetched& what) { receive(what); },
      [this](const parted& what) {
        end({what.why, false, 1});
      },
      [this](update& what) { answer(what); },
      [this](const failure& what) { answer(what); },
      [this](const part_begun& what) { options_.peer->send(what); },
      [this](const evaluated_part& what) { answer(what); },
  };
}

template <class What>
void host_state::hear(const What& what) {
  options_.peer->took();
  if (!over_)
    receive(what);
}

caf::result<farewell> host_state::start(const serve& what) {
  promise_ = self_->make_response_promise<farewell>();
  options_.peer->send(what.with);
  return promise_;
}

kept host_state::give_kept() {
  return {std::make_shared<kept_updates>(
      std::exchange(options_.kept, kept_updates{}))};
}

bool host_state::has_lane(std::uint32_t lane) {
  if (lane < options_.slots.size())
    return true;
  options_.peer->close(fmt::format("it named slot {}, which is none", lane));
  return false;
}

void host_state::receive(const seated& what) {
  if (!has_lane(what.lane))
    return;
  if (!worker_of(what.what.client))
    return options_.peer->close(
        fmt::format("it named client {}, which is none", what.what.client));
  leases_.emplace(what.what.lease, leased{what.what.client});
  if (!what.what.parameters)
    return stop_at_once(what);
  seat_once_brought(what);
}

const worker* host_state::worker_of(client_id client) const {
  const auto at = client - options_.first; // a lesser one is a great number
  return at < options_.workers.size() ? &options_.workers[at] : nullptr;
}

// All its tensors are asked for at once. A resident's state is here.
void host_state::seat_once_brought(const seated& what) {
  auto* missing = missing_of(what.what.parameters);
  if (what.what.variate)
    if (auto* variate = missing_of(what.what.variate.value()))
      missing = variate;
  if (what.what.state && !options_.keeper)
    if (auto* state = missing_of(what.what.state.value()))
      missing = state;
  if (missing)
    missing->leases.push_back(what);
  else
    seat(what);
}

void host_state::receive(const score& what) {
  if (!has_lane(what.lane))
    return;
  if (what.first > options_.test.size() ||
      what.count > options_.test.size() - what.first)
    return options_.peer->close("it named samples that there are not");
  parts_.try_emplace(what.part);
  if (auto* missing = missing_of(what.parameters))
    missing->parts.push_back(what);
  else
    begin(what, here(what.parameters));
}

// Null: it is here.
host_state::held* host_state::missing_of(const tensor& what) {
  if (what.here)
    return nullptr;
  const auto [at, is_new] = held_.try_emplace(what.id);
  if (is_new)
    options_.peer->fetch(what);
  return at->second.here ? nullptr : &at->second;
}

gpu::shared_buffer host_state::here(const tensor& what) const {
  return what.here ? what.here : held_.at(what.id).here;
}

void host_state::receive(const carried& what) {
  if (!what.values.here ||
      !held_.try_emplace(what.what, held{what.values.here}).second)
    options_.peer->close("it carried what it had not to");
}

void host_state::receive(const fetched& what) {
  const auto at = held_.find(what.what);
  if (at == held_.end() || over_)
    return;
  if (!what.failed.empty())
    return options_.peer->close("a tensor did not come: " + what.failed);
  auto& tensor = at->second;
  tensor.here = what.here;
  for (const auto& each : std::exchange(tensor.leases, {}))
    seat_once_brought(each);
  for (const auto& each : std::exchange(tensor.parts, {}))
    begin(each, tensor.here);
}

void host_state::seat(const seated& what) {
  auto order = what;
  order.what.parameters = here(order.what.parameters);
  if (order.what.variate)
    order.what.variate = tensor{here(order.what.variate.value())};
  if (options_.keeper)
    return recall(std::move(order));
  if (order.what.state)
    order.what.state = tensor{here(order.what.state.value())};
  order_training(std::move(order));
}

// Its tensors are here.
void host_state::order_training(seated what) {
  const auto& slot = options_.slots[what.lane];
  auto& order = what.what;
  const training_order given{order.client, order.base, order.work, slot.kind,
      order.parameters.here,
      order.state ? order.state.value().here : gpu::shared_buffer{},
      order.variate ? order.variate.value().here : gpu::shared_buffer{}};
  if (hand_in(what, given))
    return;
  if (const auto at = leases_.find(order.lease); at != leases_.end())
    at->second.order = given;
  send(self_, *worker_of(order.client),
      seated_offer{std::move(order), slot.who, slot.lane, what.turn,
          caf::actor_cast<host>(self_)});
}

// The slot is told to stop by its turn; its answer is nobody's.
bool host_state::hand_in(const seated& what, const training_order& order) {
  auto found = options_.kept.find(order);
  if (!found || leases_.erase(what.what.lease) == 0)
    return false;
  found->lease = what.what.lease;
  found->cpu_seconds = 0.0;
  found->handed_in = true;
  tell({order.client, std::move(*found)});
  stop_at_once(what);
  return true;
}

// Its client is gone; the slot is told so by its turn.
void host_state::stop_at_once(const seated& what) {
  const auto& slot = options_.slots[what.lane];
  train_task task;
  task.lease = what.what.lease;
  task.work.client = what.what.client;
  task.reply_to = caf::actor_cast<host>(self_);
  task.lane = slot.lane;
  task.turn = what.turn;
  task.stop = stopped();
  send(self_, slot.who, std::move(task));
}

void host_state::begin(
    const score& what, const gpu::shared_buffer& parameters) {
  const auto& slot = options_.slots[what.lane];
  send(self_, slot.who,
      evaluate_task{what.part, options_.test.slice(what.first, what.count),
          parameters, caf::actor_cast<host>(self_),
          parts_[what.part].get_token(), what.first, slot.lane});
}

// What still waits for its parameters, or its state, stops without them.
void host_state::receive(const revoke& what) {
  if (auto waits = recalling_.extract(what.lease))
    return stop_at_once(waits.mapped());
  for (auto& [id, tensor] : held_) {
    const auto at = std::ranges::find(tensor.leases, what.lease,
        [](const seated& each) { return each.what.lease; });
    if (at == tensor.leases.end())
      continue;
    stop_at_once(*at);
    tensor.leases.erase(at);
    return;
  }
  if (const auto at = leases_.find(what.lease); at != leases_.end())
    send(self_, *worker_of(at->second.client), what);
}

// One that still waits for its parameters is answered once it is at its slot.
void host_state::receive(const call_off& what) {
  if (const auto at = parts_.find(what.part); at != parts_.end())
    at->second.request_stop();
}

void host_state::receive(const release& what) {
  held_.erase(what.what);
}

void host_state::receive(const arrived& what) {
  options_.peer->take_back(what.what);
}

void host_state::receive(const durable& what) {
  options_.kept.forget_before(what.version);
}

// One that comes when the session is over is kept all the same.
void host_state::answer(update& what) {
  auto node = leases_.extract(what.result.lease);
  if (!node)
    return;
  if (const auto& order = node.mapped().order; order.parameters)
    options_.kept.keep(order, what.result);
  if (!over_)
    tell(std::move(what));
}

void host_state::tell(update&& what) {
  if (options_.keeper && what.result.state)
    keep(std::move(what));
  else
    send_update(std::move(what));
}

void host_state::send_update(update what) {
  what.result.delta = options_.peer->pass(std::move(what.result.delta.here));
  if (what.result.state && !options_.keeper)
    what.result.state = options_.peer->pass(what.result.state.value());
  options_.peer->send(what);
}

void host_state::answer(const failure& what) {
  if (over_ || leases_.erase(what.lease) == 0)
    return;
  options_.peer->send(what);
}

void host_state::answer(const evaluated_part& what) {
  parts_.erase(what.part);
  options_.peer->send(what);
}

void host_state::stop_parts() {
  for (auto& [part, stop] : parts_)
    stop.request_stop();
}

void host_state::want_to_leave() {
  if (!over_)
    options_.peer->send(drain{});
}

void host_state::receive(const drain&) {} // told by its farewell

void host_state::receive(const refusal& what) {
  end({what.why, true, 1});
}

void host_state::receive(const farewell& what) {
  end(what);
}

void host_state::end(farewell how) {
  if (std::exchange(over_, true))
    return;
  stop_parts();
  for (const auto& [lease, what] : leases_)
    send(self_, *worker_of(what.client), revoke{lease});
  recalling_.clear();
  options_.peer->close(how.why);
  promise_.deliver(std::move(how));
}

} // namespace troupe::cluster
