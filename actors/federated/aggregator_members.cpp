#include "actors/federated/aggregator.hpp"

#include <stop_token>
#include <utility>

#include <fmt/format.h>

#include "actors/computing/guard.hpp"
#include "protocols/errc.hpp"

// Who takes part: clients that come and go, slots that are lent and withdrawn,
// and what the run waits for.

namespace troupe {
namespace {

constexpr const char* nodes = "nodes";

std::stop_token stopped() {
  std::stop_source source;
  source.request_stop();
  return source.get_token();
}

} // namespace

void aggregator_state::gather() {
  stage_ = stage::gathering;
  if (present_ < options_.quorum)
    return await({"clients", present_, options_.quorum},
        missing("clients", present_, options_.quorum));
  if (waits_ && waits_->what.needs == "clients")
    waits_.reset();
  quorum_.begin(now_);
  follow_quorum();
}

caf::error aggregator_state::missing(
    const char* whom, std::size_t have, std::size_t wanted) const {
  return caf::make_error(
      errc::starved, fmt::format("{} of {} {} have come within {} s", have,
                         wanted, whom, seconds(options_.patience)));
}

// Nodes are few, and each that comes or goes meanwhile is told of. Slots come
// with them.
void aggregator_state::follow_quorum() {
  if (const auto news = quorum_.take_news()) {
    waits_.reset();
    if (news->holds)
      tell(facts::went_on{nodes});
    else
      tell(facts::waiting{nodes, news->have, news->wanted, news->whom});
  }
  if (stage_ != stage::gathering || !quorum_.holds())
    return;
  if (const auto wanted = options_.residents_wanted; residents_.size() < wanted)
    await_each({"residents", residents_.size(), wanted, {}},
        missing("residents", residents_.size(), wanted));
  else
    begin_rule();
}

void aggregator_state::despair(membership::resort how) {
  if (how == membership::resort::go_on)
    return follow_quorum();
  const auto at = quorum_.now();
  auto why = fmt::format("{} of {} nodes {} {} s", at.have, at.wanted,
      stage_ == stage::gathering ? "have come within" : "were there for",
      seconds(options_.patience));
  if (!at.whom.empty())
    why += "; missing: " + at.whom;
  auto error = caf::make_error(errc::no_quorum, std::move(why));
  if (how == membership::resort::interrupt)
    stop(std::move(error));
  else
    end(run_outcome::failed, std::move(error));
}

// They are few, and each is told of. The time that they have runs on.
void aggregator_state::await_each(facts::waiting what, caf::error or_else) {
  const auto before = waits_ ? std::optional{waits_->until} : std::nullopt;
  if (waits_ && waits_->what.needs == what.needs &&
      waits_->what.have == what.have)
    return;
  waits_.reset();
  await(std::move(what), std::move(or_else));
  if (waits_ && before)
    waits_->until = *before;
}

void aggregator_state::receive(const facts::node_joined& what) {
  tell(facts::node_joined{what});
  quorum_.joined(what.name, now_);
  follow_quorum();
}

void aggregator_state::receive(const facts::node_left& what) {
  tell(facts::node_left{what});
  quorum_.gone(what.name, now_);
  follow_quorum();
}

// Whoever drains takes nothing new.
void aggregator_state::receive(const facts::node_changed& what) {
  tell(facts::node_changed{what});
  if (what.state != "draining")
    return;
  quorum_.gone(what.name, now_);
  follow_quorum();
}

void aggregator_state::receive(const facts::fingerprint_mixed& what) {
  options_.header.promises_bits = false;
  tell(facts::fingerprint_mixed{what});
}

void aggregator_state::begin_rule() {
  stage_ = stage::running;
  waits_.reset();
  rule_.begin(options_.header.incarnation, heard_at(), decisions_);
  resume_leases();
  carry_out();
}

void aggregator_state::receive(enrol& what) {
  if (what.client >= workers_.size())
    workers_.resize(std::size_t{what.client} + 1);
  if (workers_[what.client] && workers_[what.client] != what.who)
    bury_client(what.client, {});
  present_ += !workers_[what.client];
  workers_[what.client] = what.who;
  if (what.home)
    house(what); // who stands for it is watched for its slots' sake
  else
    watch(self_, what.who);
  tell(
      facts::client_joined{what.client, what.samples, what.identity, what.key});
  welcome(what.client, what.samples);
  if (stage_ == stage::gathering)
    gather();
  if (stage_ != stage::gathering)
    carry_out();
}

void aggregator_state::welcome(client_id client, std::uint64_t samples) {
  if (virtual_)
    virtual_->join(client, samples);
  samples_[client] = samples;
  rule_.join(client, samples, heard_at(), decisions_);
}

void aggregator_state::receive(const leave& what) {
  bury_client(what.client, {});
  residents_.erase(what.client);
}

void aggregator_state::bury_clients(
    const caf::actor_addr& who, const std::string& why) {
  for (client_id c = 0; c < workers_.size(); ++c)
    if (workers_[c] && workers_[c].address() == who)
      bury_client(c, why);
}

// What a worker was offered may never come to its slot, which waits for it: by
// its turn there the slot gets a task that is to stop.
void aggregator_state::bury_client(client_id client, const std::string& why) {
  if (client >= workers_.size() || !workers_[client])
    return;
  const auto all = desk_.of(client);
  if (!is_ending()) {
    if (!why.empty() && !residents_.contains(client))
      for (const auto& each : all)
        if (each.open)
          tell_failed(client, each.at.grant.lease,
              caf::make_error(errc::actor_died, "its worker has died: " + why));
    tell(facts::client_left{client, why});
    rule_.leave(client, heard_at(), decisions_);
  }
  for (const auto& each : all) {
    desk_.revoke(each.at.grant.lease, now_);
    const auto& slot = slots_[each.at.slot];
    train_task instead;
    instead.lease = each.at.grant.lease;
    instead.work.client = client;
    instead.reply_to = self_;
    instead.lane = slot.lane;
    instead.turn = each.at.turn;
    instead.stop = stopped();
    send(self_, slot.who, std::move(instead));
  }
  tell_to_stop();
  workers_[client] = worker{};
  samples_.erase(client);
  --present_;
  if (!is_ending())
    carry_out();
}

slot_id aggregator_state::take_in(const lend& what) {
  const auto first = static_cast<slot_id>(slots_.size());
  for (const auto& each : what.what) {
    desk_.add(each.kind, what.only_for);
    slots_.push_back(each);
    if (each.lane == 0) // the other lanes are the same actor
      watch(self_, each.who);
  }
  tell(facts::slot_joined{first, what.what.size()});
  if (crew_->evaluator)
    send(self_, crew_->evaluator, slots_lent{what.what, !what.only_for});
  return first;
}

void aggregator_state::receive(const withdraw& what) {
  if (what.slot >= slots_.size() || desk_.has_left(what.slot))
    return;
  forget_slot(what.slot);
  if (desk_.retire(what.slot))
    say_goodbye(what.slot);
}

// A run that cannot go on without somebody stands still until they come.
void aggregator_state::await(facts::waiting what, caf::error or_else) {
  if (options_.patience == duration{})
    return end(run_outcome::failed, std::move(or_else));
  if (waits_)
    return;
  tell(facts::waiting{what});
  waits_ =
      standstill{std::move(what), now_ + options_.patience, std::move(or_else)};
}

void aggregator_state::look_for_slots() {
  if (desk_.lacks_slots() || (press_.scoring() && desk_.alive() == 0))
    await({"compute slots", desk_.alive(), desk_.alive() + 1},
        caf::make_error(errc::no_slots,
            std::string{"there is no compute slot to train at"}));
}

} // namespace troupe
