#include "actors/cluster/registrar.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "protocols/cluster/peer.hpp"

namespace troupe::cluster {
namespace {

using kind = membership::change::kind;
using membership::reason;
using membership::state;

// A host's name has 253 characters at most.
constexpr std::size_t longest_address = 300;
constexpr const char* come_back = "has come back by another connection";

bool is_end(kind what) {
  return what == kind::left || what == kind::lost || what == kind::superseded;
}

state state_of(kind what) {
  switch (what) {
  case kind::joined:
  case kind::rejoined:
    return state::joining;
  case kind::readied:
    return state::member;
  case kind::draining:
    return state::draining;
  case kind::left:
    return state::left;
  case kind::lost:
  case kind::superseded:
    return state::lost;
  }
  return state::lost;
}

// It is shown to people, and told to who scrapes.
bool is_address(const std::string& text) {
  return text.size() <= longest_address &&
         std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) ||
                  std::string_view{".:-_[]"}.find(static_cast<char>(c)) !=
                      std::string_view::npos;
         });
}

admission refused(std::string why, std::string lower_to = {}) {
  return {false, std::move(why), {}, 0, 0, {}, std::move(lower_to)};
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
      rule_(options_.rule, options_.incarnation),
      clients_(options_.first_resident, options_.known) {}

registrar::behavior_type registrar_state::make_behavior() {
  return {
      [this](const knock& what) { return admit(what); },
      [this](const prepared& what) { return take_in(what); },
      [this](const gone& what) { forget(what); },
      [this](const drained& what) { drain(what); },
      [this](const inquiry& what) { answer(what); },
      [this](const turned_away& what) {
        tell_refused(what.who, "stranger", what.why);
      },
      [this](const fact_batch& what) { note(what); },
      [this](const dismissal& what) { dismiss(what); },
      [this](tick what) { wake(what); },
  };
}

// One that is to come back otherwise is not refused.
admission registrar_state::admit(const knock& what) {
  const auto& hello = what.who.what;
  if (auto no = objection(hello, what.who.key)) {
    tell_refused(hello.name, membership::to_string(no->why), no->text);
    return refused(std::move(no->text));
  }
  const auto verdict = rule_.knock(
      {hello.name, what.who.key, what.who.number, options_.rule.version,
          hello.build, options_.rule.configuration, hello.fingerprint,
          hello.resident, 0, hello.lowerable},
      clock_now(self_));
  if (verdict.refused) {
    if (verdict.lower_to.empty())
      tell_refused(hello.name.empty() ? what.who.address : hello.name,
          membership::to_string(verdict.refused->why), verdict.refused->text);
    return refused(verdict.refused->text, verdict.lower_to);
  }
  if (verdict.superseded)
    throw_out(*verdict.superseded,
        fmt::format("node {} {}", verdict.name, come_back), true);
  doors_[what.who.number] = what.at;
  addresses_[what.who.number] = what.who.address;
  tell_changes();
  timer_.set(self_, rule_.due());
  admission result{true, {}, verdict.name, verdict.epoch, durable_, {}, {}};
  if (hello.resident) {
    resident_.insert(what.who.number);
    result.client = clients_.client_of(verdict.name, what.who.key);
  }
  return result;
}

// Why it may not come as what it says it is.
std::optional<membership::refusal> registrar_state::objection(
    const hello& said, const std::string& key) const {
  if (said.resident && !options_.residents)
    return membership::refusal{reason::other_configuration,
        fmt::format("the run lets no resident in, such as \"{}\" with data of "
                    "its own: that takes federation.residents = true from its "
                    "start",
            said.name)};
  if (said.resident && said.name.empty())
    return membership::refusal{
        reason::other_configuration, "a resident needs an identity"};
  if (said.resident || clients_.find(said.name))
    return clients_.objection(said.name, key);
  return std::nullopt;
}

admission registrar_state::take_in(const prepared& what) {
  const auto& said = what.what;
  auto names = resident_.contains(what.session)
                   ? std::string{} // its data are its own
                   : other_data(said.from, options_.from);
  if (!names.empty())
    return turn_away(what.session, reason::other_data,
        "it has other data than the run: " + names + " differ");
  if (is_address(said.metrics))
    metrics_[what.session] = said.metrics;
  if (const auto no = rule_.ready(what.session,
          {static_cast<std::uint32_t>(said.slots.size()), said.fingerprint},
          clock_now(self_)))
    return turn_away(what.session, no->why, no->text);
  tell_changes();
  return {true, {}, {}, rule_.epoch_of(what.session).value_or(0)};
}

void registrar_state::forget(const gone& what) {
  if (what.in_order)
    rule_.left(what.session, clock_now(self_));
  else
    rule_.lost(what.session, what.why, clock_now(self_));
  doors_.erase(what.session);
  tell_changes(what);
  addresses_.erase(what.session);
  refused_.erase(what.session);
  resident_.erase(what.session);
  metrics_.erase(what.session);
  end_if_over();
}

// Whoever is not ready may be so when it dials again.
void registrar_state::wake(tick what) {
  if (!timer_.rang(self_, what.turn))
    return;
  for (const auto session : rule_.wake(clock_now(self_)))
    for (const auto& each : rule_.members())
      if (each.session == session)
        throw_out(
            session, fmt::format("node {} was {}", each.name, each.why), false);
  tell_changes();
  timer_.set(self_, rule_.due());
}

void registrar_state::drain(const drained& what) {
  for (const auto& each : rule_.members())
    if (each.session == what.session)
      rule_.drain(each.id, clock_now(self_));
  tell_changes();
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

void registrar_state::throw_out(
    std::uint64_t session, const std::string& why, bool for_good) {
  if (const auto at = doors_.find(session); at != doors_.end())
    send(self_, at->second, dismissal{{why, for_good, 1}});
}

void registrar_state::tell_changes(const gone& how) {
  for (auto& each : rule_.take_changes()) {
    tell_where_it_stands(each);
    tell_if_it_comes_or_goes(each, how);
  }
}

void registrar_state::tell_where_it_stands(const membership::change& what) {
  if (what.what == kind::superseded)
    return; // it comes back in the same moment
  const auto count = [this](state at) {
    return static_cast<std::uint32_t>(rule_.count(at));
  };
  send(self_, options_.tell,
      facts::node_changed{what.name, membership::to_string(state_of(what.what)),
          what.epoch, count(state::joining), count(state::member),
          count(state::draining), count(state::left), count(state::lost)});
}

// Whoever counts nodes hears of each that comes and of its end, and of no other
// end. One that goes before it was ready was not let in.
void registrar_state::tell_if_it_comes_or_goes(
    membership::change& what, const gone& how) {
  if (what.what == kind::readied) {
    told_.insert(what.session);
    std::uint64_t slots = 0;
    for (const auto& one : rule_.members())
      if (one.id == what.id)
        slots = one.slots;
    if (!what.mixed.empty())
      send(self_, options_.tell,
          facts::fingerprint_mixed{what.name, std::move(what.mixed)});
    send(self_, options_.tell,
        facts::node_joined{
            what.name, what.epoch, slots, addresses_[what.session]});
    if (const auto& at = metrics_[what.session]; !at.empty())
      send(self_, options_.tell, facts::node_serves{what.name, at});
  } else if (is_end(what.what) && told_.erase(what.session) > 0) {
    if (what.what == kind::superseded)
      what.why = come_back;
    send(self_, options_.tell,
        facts::node_left{what.name, what.epoch, std::move(what.why),
            what.what != kind::left,
            what.what == kind::lost ? how.silence : 0.0});
  } else if (is_end(what.what) && what.what != kind::superseded && !over_ &&
             !refused_.contains(what.session)) {
    tell_refused(
        what.name, "not_ready", what.what == kind::lost ? what.why : how.why);
  }
}

void registrar_state::tell_refused(const std::string& called,
    const std::string& reason, const std::string& text) {
  const auto before = tells_.take(clock_now(self_));
  if (!before)
    return;
  auto all = text;
  if (*before > 0)
    all += fmt::format(" (and {} others before it)", *before);
  send(self_, options_.tell,
      facts::node_refused{called, reason, std::move(all)});
}

// It was let in, and is not what it has to be.
admission registrar_state::turn_away(
    std::uint64_t session, reason why, const std::string& text) {
  auto called = addresses_[session];
  for (const auto& each : rule_.members())
    if (each.session == session)
      called = each.name;
  refused_.insert(session);
  tell_refused(called, membership::to_string(why), text);
  return refused(text);
}

} // namespace troupe::cluster
