#include "actors/cluster/registrar.hpp"

#include <utility>

#include <fmt/format.h>

#include "protocols/cluster/peer.hpp"

namespace troupe::cluster {
namespace {

using kind = membership::change::kind;

constexpr std::size_t failures_shown = 5;
constexpr const char* come_back = "has come back by another connection";

bool is_end(kind what) {
  return what == kind::left || what == kind::lost || what == kind::superseded;
}

report said_to_leave(const std::string& node) {
  report result;
  result.said = fmt::format("{} finishes what it has, and leaves", node);
  return result;
}

admission refused(std::string why) {
  return {false, std::move(why), {}, 0};
}

// What of a node's data is not the run's; empty: all is the same.
std::string other_data(
    const facts::provenance& there, const facts::provenance& here) {
  const auto differs = [](const std::string& a, const std::string& b) {
    return !b.empty() && a != b;
  };
  std::string names;
  const auto name = [&](bool it_does, const char* what) {
    if (it_does)
      names += (names.empty() ? "" : ", ") + std::string{what};
  };
  name(differs(there.features, here.features), "the clients' samples");
  name(differs(there.labels, here.labels), "their labels");
  name(differs(there.test_features, here.test_features), "the test samples");
  name(differs(there.test_labels, here.test_labels), "the test labels");
  return names;
}

} // namespace

registrar_state::registrar_state(
    registrar::pointer self, registrar_options options)
    : self_(self),
      options_(std::move(options)),
      rule_(options_.rule, options_.incarnation) {}

registrar::behavior_type registrar_state::make_behavior() {
  return {
      [this](const knock& what) { return admit(what); },
      [this](const prepared& what) { return take_in(what); },
      [this](const gone& what) { forget(what); },
      [this](const drained& what) { drain(what); },
      [this](const inquiry& what) { answer(what); },
      [this](const fact_batch& what) { note(what); },
      [this](const dismissal& what) { dismiss(what); },
  };
}

// A node knows its fingerprint once it knows the run; it is looked at then.
admission registrar_state::admit(const knock& what) {
  const auto& hello = what.who.what;
  const auto verdict = rule_.knock(
      {hello.name, what.who.key, what.who.number, options_.rule.version,
          hello.build, options_.rule.configuration, options_.rule.fingerprint},
      clock_now(self_));
  if (verdict.refused)
    return refused(verdict.refused->text);
  if (verdict.superseded)
    throw_out(*verdict.superseded,
        fmt::format("node {} {}", verdict.name, come_back));
  doors_[what.who.number] = what.at;
  addresses_[what.who.number] = what.who.address;
  tell_changes();
  return {true, {}, verdict.name, verdict.epoch, durable_};
}

admission registrar_state::take_in(const prepared& what) {
  const auto& said = what.what;
  if (auto names = other_data(said.from, options_.from); !names.empty())
    return refused("it has other data than the run: " + names + " differ");
  if (said.fingerprint != options_.rule.fingerprint &&
      !options_.rule.any_fingerprint)
    return refused(fmt::format("its numeric fingerprint is {}, and the run's "
                               "is {}; --any-fingerprint lets it in, and then "
                               "no bits are promised",
        said.fingerprint, options_.rule.fingerprint));
  promises_bits_ &= said.fingerprint == options_.rule.fingerprint;
  rule_.ready(what.session, static_cast<std::uint32_t>(said.slots.size()),
      clock_now(self_));
  tell_changes();
  return {true, {}, {}, rule_.epoch_of(what.session).value_or(0)};
}

void registrar_state::forget(const gone& what) {
  if (what.in_order)
    rule_.left(what.session, clock_now(self_));
  else
    rule_.lost(what.session, what.why, clock_now(self_));
  doors_.erase(what.session);
  tell_changes();
  addresses_.erase(what.session);
  end_if_over();
}

void registrar_state::drain(const drained& what) {
  for (const auto& each : rule_.members())
    if (each.session == what.session)
      rule_.drain(each.id, clock_now(self_));
  tell_changes();
}

void registrar_state::answer(const inquiry& what) {
  const auto& node = what.what.name;
  if (what.what.what_for == errand::status)
    what.from->answer(status());
  else if (drain(node))
    what.from->answer(said_to_leave(node));
  else
    what.from->answer(refusal{fmt::format("there is no node {}", node)});
}

bool registrar_state::drain(const std::string& node) {
  for (const auto& each : rule_.members()) {
    const auto at = doors_.find(each.session);
    if (each.name != node || !membership::is_live(each.at) ||
        at == doors_.end())
      continue;
    send(self_, at->second, cluster::drain{});
    return true;
  }
  return false;
}

// Its end tells that every node was told.
void registrar_state::dismiss(const dismissal& what) {
  over_ = true;
  rule_.close();
  for (const auto& [session, at] : doors_)
    send(self_, at, what);
  end_if_over();
}

void registrar_state::end_if_over() {
  if (over_ && doors_.empty())
    self_->quit();
}

void registrar_state::throw_out(std::uint64_t session, const std::string& why) {
  if (const auto at = doors_.find(session); at != doors_.end())
    send(self_, at->second, dismissal{{why, true, 1}});
}

// Whoever counts nodes hears of each that comes and of its end, and of no other
// end.
void registrar_state::tell_changes() {
  for (auto& each : rule_.take_changes()) {
    if (each.what == kind::readied) {
      told_.insert(each.session);
      std::uint64_t slots = 0;
      for (const auto& one : rule_.members())
        if (one.id == each.id)
          slots = one.slots;
      send(self_, options_.tell,
          facts::node_joined{
              each.name, each.epoch, slots, addresses_[each.session]});
    } else if (is_end(each.what) && told_.erase(each.session) > 0) {
      if (each.what == kind::superseded)
        each.why = come_back;
      send(self_, options_.tell,
          facts::node_left{each.name, each.epoch, std::move(each.why),
              each.what != kind::left});
    }
  }
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
  seen_.version = x->version;
  seen_.versions = x->rounds;
  durable_ = x->version;
  seen_.updates = x->updates;
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
  seen_.waits_for =
      fmt::format("{}: {} of {} are there", x.needs, x.have, x.wanted);
  waits_since_ = clock_now(self_);
}

void registrar_state::on(const facts::leased&) {
  waits_since_.reset();
}

void registrar_state::on(const facts::client_failed& x) {
  if (seen_.failures.size() == failures_shown)
    seen_.failures.erase(seen_.failures.begin());
  seen_.failures.push_back(fmt::format("client {}: {}", x.client, x.why));
}

report registrar_state::status() {
  const auto now = clock_now(self_);
  auto result = seen_;
  result.epoch = rule_.epoch();
  result.promises_bits = promises_bits_;
  if (waits_since_)
    result.waits_since = seconds(now - *waits_since_);
  else
    result.waits_for.clear();
  for (auto& each : rule_.members()) {
    const auto at = addresses_.find(each.session);
    result.nodes.push_back({each.name, membership::to_string(each.at),
        seconds(now - each.since), each.slots, each.changed, each.rejoins,
        at == addresses_.end() ? std::string{} : at->second,
        std::move(each.why)});
  }
  return result;
}

} // namespace troupe::cluster
