#include "actors/cluster/registrar.hpp"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "protocols/cluster/peer.hpp"
#include "protocols/federated/succession.hpp"

// What people are told who ask, and the facts that it knows it from.

namespace troupe::cluster {
namespace {

constexpr std::size_t failures_shown = 5;

// As long as an aggregator may take to look at a message.
constexpr std::chrono::seconds answers_within{10};

report in_words(std::string said) {
  report result;
  result.said = std::move(said);
  return result;
}

} // namespace

void registrar_state::answer(const inquiry& what) {
  const auto& node = what.what.name;
  if (what.what.what_for == errand::status)
    what.from->answer(status());
  else if (what.what.what_for == errand::change)
    change_rule(what);
  else if (drain(node))
    what.from->answer(
        in_words(fmt::format("{} finishes what it has, and leaves", node)));
  else
    what.from->answer(refusal{fmt::format("there is no node {}", node)});
}

// Who decides is its keeper's to say.
void registrar_state::change_rule(const inquiry& what) {
  if (!options_.rules)
    return what.from->answer(
        refusal{"the run is a mesh, and a mesh has no rule to change"});
  ask(self_, options_.rules, duration{answers_within},
      troupe::change_rule{what.what.settings})
      .then(
          [from = what.from](const changing_rule& how) {
            if (how.granted)
              from->answer(in_words(how.said));
            else
              from->answer(refusal{how.said});
          },
          [from = what.from](const caf::error&) {
            from->answer(refusal{"the run does not answer"});
          });
}

// What stood still goes on with the next lease.
void registrar_state::note(const fact_batch& what) {
  for (const auto& each : *what.facts)
    std::visit(
        [this](const auto& x) {
          if constexpr (requires { this->on(x); })
            on(x);
        },
        each.what);
}

void registrar_state::on(const facts::run_started& x) {
  seen_.run = x->name;
  seen_.rule = x->rule;
  seen_.version = x->version;
  seen_.versions = x->rounds;
  durable_ = x->version;
  seen_.updates = x->updates;
  seen_.promises_bits = x->promises_bits;
}

void registrar_state::on(const facts::rule_changed& x) {
  seen_.rule = x.rule;
}

void registrar_state::on(const facts::published& x) {
  seen_.version = x.version;
  seen_.updates = x.total_updates;
}

// The best version may be stored behind a later one.
void registrar_state::on(const facts::stored& x) {
  if (x.version <= durable_)
    return;
  durable_ = x.version;
  for (const auto& [session, at] : doors_)
    send(self_, at, durable{durable_});
}

void registrar_state::on(const facts::waiting& x) {
  seen_.waits_for = fmt::format("{}: {} of {} are there{}{}", x.needs, x.have,
      x.wanted, x.whom.empty() ? "" : "; missing: ", x.whom);
  waits_since_ = clock_now(self_);
  seen_.ranks.clear();
}

void registrar_state::on(const facts::leased&) {
  waits_since_.reset();
}

void registrar_state::on(const facts::went_on&) {
  waits_since_.reset();
}

void registrar_state::on(const facts::mesh_formed& x) {
  waits_since_.reset();
  seen_.ranks = fmt::format("{} ranks in epoch {}: {}", x.ranks,
      x.epoch & UINT32_MAX, x.nodes); // of this start of the run
}

void registrar_state::on(const facts::stepped& x) {
  seen_.version = x.last;
}

void registrar_state::on(const facts::client_failed& x) {
  if (seen_.failures.size() == failures_shown)
    seen_.failures.erase(seen_.failures.begin());
  seen_.failures.push_back(fmt::format("client {}: {}", x.client, x.why));
}

void registrar_state::on(const facts::client_joined& x) {
  if (!x.identity.empty())
    samples_[x.client] = x.samples;
}

std::string registrar_state::metrics_of(std::uint64_t session) const {
  const auto at = metrics_.find(session);
  return at == metrics_.end() ? std::string{} : at->second;
}

report registrar_state::status() {
  const auto now = clock_now(self_);
  auto result = seen_;
  result.epoch = rule_.epoch();
  result.promises_bits = seen_.promises_bits && rule_.promises_bits();
  if (waits_since_)
    result.waits_since = seconds(now - *waits_since_);
  else
    result.waits_for.clear();
  for (auto& each : rule_.members())
    result.nodes.push_back(report_of(std::move(each), now));
  return result;
}

node_report registrar_state::report_of(
    membership::member&& one, instant now) const {
  const auto at = addresses_.find(one.session);
  node_report result{one.name, membership::to_string(one.at),
      seconds(now - one.since), one.slots, one.changed, one.rejoins,
      at == addresses_.end() ? std::string{} : at->second, std::move(one.why),
      metrics_of(one.session)};
  if (one.mixes)
    result.fingerprint = std::move(one.fingerprint);
  const auto* client = one.resident ? clients_.find(one.name) : nullptr;
  if (!client)
    return result;
  result.resident = true;
  result.client = client->client;
  const auto samples = samples_.find(client->client);
  result.samples = samples == samples_.end() ? 0 : samples->second;
  return result;
}

} // namespace troupe::cluster
