#include "runtime/simulation/simulator.hpp"

#include <utility>

#include <fmt/format.h>

#include "gpu/aggregation/delta.hpp"
#include "protocols/errc.hpp"
#include "protocols/federated/saved_rule.hpp"

// What happens beside the leases: clients that come and go, results that come
// twice, a coordinator that crashes.

namespace troupe::simulation {
namespace {

constexpr std::uint64_t most_in_vain = 1'000;

// What has no values does not move.
float way_between(const tensor& base, const tensor& now) {
  return base && now ? gpu::largest_difference(base->span(), now->span())
                     : 0.0f;
}

} // namespace

void simulator::expect_all() {
  if (plan_.dangers.crashes())
    agenda_.put({.at = instant{} + plan_.dangers.up_time(0),
        .what = occasion::kind::crash});
  if (const auto* told = plan_.dangers.told())
    return expect_told(*told);
  if (!plan_.dangers.moves())
    return;
  for (client_id i = 0; i < there_.size(); ++i) {
    there_[i] = plan_.dangers.is_there(i);
    expect_move(i, 0, there_[i]);
  }
}

// One that comes as it goes was there all along.
void simulator::expect_told(const trace& all) {
  for (const auto& [client, stays] : all.stays) {
    there_[client] = stays.front().start == instant{};
    for (std::size_t i = 0; i < stays.size(); ++i) {
      const auto& [start, end] = stays[i];
      const auto goes_on = i + 1 < stays.size() && stays[i + 1].start == end;
      const auto went_on = i > 0 && stays[i - 1].end == start;
      if (start > instant{} && !went_on)
        agenda_.put(
            {.at = start, .what = occasion::kind::comes, .client = client});
      if (!goes_on)
        agenda_.put(
            {.at = end, .what = occasion::kind::goes, .client = client});
    }
  }
}

void simulator::expect_move(
    client_id client, std::uint64_t number, bool there) {
  const auto from = order_ ? now() : instant{};
  agenda_.put({.at = from + plan_.dangers.stay(client, number, there),
      .what = there ? occasion::kind::goes : occasion::kind::comes,
      .client = client,
      .stay = number});
}

void simulator::happen() {
  const auto what = agenda_.take();
  order_->pass(what.at);
  switch (what.what) {
  case occasion::kind::comes:
  case occasion::kind::goes:
    move(what);
    break;
  case occasion::kind::echo:
    hear_again(what.number);
    break;
  case occasion::kind::crash:
    return crash();
  }
  carry_out();
}

void simulator::move(const occasion& what) {
  const auto comes = what.what == occasion::kind::comes;
  there_[what.client] = comes;
  if (!plan_.dangers.told())
    expect_move(what.client, what.stay + 1, comes);
  if (comes) {
    starved_ = false;
    tell_lease(facts::client_joined{what.client, plan_.samples[what.client]});
    rule_.join(what.client, plan_.samples[what.client], now(), decisions_);
  } else {
    tell_lease(facts::client_left{what.client});
    rule_.leave(what.client, now(), decisions_);
  }
}

// Whoever came up since knows nothing of it.
void simulator::hear_again(std::uint64_t number) {
  const auto heard = std::move(echoes_.extract(number).mapped());
  account_.sent();
  if (heard.incarnation == incarnation_)
    admit(heard.of, heard.what, heard.rules_id, {});
  else
    tell_lease(facts::dropped{heard.of.trained_as, heard.of.client,
        heard.of.base, federated::drop_reason::late, 0});
}

// All that it held is gone, but for what it had stored.
void simulator::crash() {
  open_.for_each([&](lease_id, const open_lease& one) {
    account_.ended(now(), now() - one.since);
  });
  account_.crashed();
  if (++in_vain_ == most_in_vain)
    return end(run_outcome::failed,
        caf::make_error(errc::starved,
            fmt::format("the coordinator crashed {} times, and no version was "
                        "stored between: simulation.crash_seconds is too short",
                in_vain_)));
  ++incarnation_;
  const auto at = now() + plan_.dangers.restart();
  agenda_.put({.at = at + plan_.dangers.up_time(incarnation_),
      .what = occasion::kind::crash});
  const auto& from = durable_ ? *durable_ : *first_;
  account_.back_to(from.account);
  if (facts_.last() > from.what.fact_number)
    tell(facts::voided{
        from.what.fact_number + 1, facts_.last(), from.what.version});
  order_->pass(at);
  go_on(&from);
}

void simulator::go_on(const durable_state* from) {
  const auto version = from ? from->what.version : 0;
  const auto started = order_ ? now() : instant{};
  configuration_ = from ? from->what.configuration : std::string{};
  succession_ = from ? from->succession : federated::succession{plan_.switches};
  rule_ = configuration_.empty()
              ? plan_.rule
              : plan_.make_successor(configuration_, {}, false).rule;
  order_.emplace(plan_.pace, first_lease(incarnation_));
  decisions_.clear();
  open_ = {};
  tally_.clear();
  kept_.clear();
  bases_.clear();
  starved_ = false;
  report_.steps = 0; // of this process
  ledger_ = publication::ledger{1, version};
  auto header = plan_.header;
  auto press = plan_.press;
  if (from) {
    if (!from->what.rule.empty())
      federated::load(from->what.rule, rule_, order_);
    rule_.discard();
    named_blocks own;
    for (const auto& each : from->what.blocks)
      if (const auto base = base_of(each.name))
        bases_[*base] = each.values;
      else
        own.push_back(each);
    for (const auto base : order_->bases())
      if (base < version)
        ledger_.begins_beyond(
            base, way_between(bases_[base], from->what.parameters));
    by_.restore(from->what.parameters, std::move(own));
    states_ = federated::client_states{from->what.states};
    stored_ = from->sha256;
    header.rule = from->rule_name;
    header.incarnation = incarnation_;
    header.version = press.version = version;
    header.updates = from->what.updates;
    header.sha256 = from->sha256;
  }
  order_->pass(started);
  report_.rule = header.rule;
  press_ = publication::press{press};
  tell(facts::run_started{std::move(header)});
  for (client_id i = 0; i < there_.size(); ++i) {
    order_->join(i, plan_.samples[i]);
    if (there_[i])
      rule_.join(i, plan_.samples[i], now(), decisions_);
  }
  publication::orders todo;
  press_.start(now(), todo);
  follow(std::move(todo));
}

// What was open as the state was stored is trained again, to the same time.
void simulator::resume_leases() {
  for (const auto& grant : order_->resume()) {
    const auto rules_id = order_->rules_id(grant.lease);
    if (rule_.share(rules_id) <= 0.0) {
      order_->end(rules_id);
      continue;
    }
    auto one = leased(grant);
    if (const auto base = bases_.find(grant.base);
        one.from && base != bases_.end() && base->second)
      one.from->parameters = base->second;
    account_.lent(now());
    lend(std::move(one), rules_id);
  }
  bases_.clear();
}

} // namespace troupe::simulation
