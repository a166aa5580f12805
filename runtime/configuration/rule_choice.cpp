#include "runtime/configuration/rule_choice.hpp"

#include "protocols/time.hpp"
#include "runtime/configuration/hierarchy.hpp"
#include "runtime/configuration/keys.hpp"
#include "runtime/configuration/levels.hpp"
#include "runtime/configuration/mesh_choice.hpp"
#include "runtime/configuration/switches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <type_traits>
#include <variant>

namespace troupe {

namespace {

const rule_row* row_of(const configuration& what) {
  return find_rule(what.federation.rule);
}

rule_option value(const configuration& from, std::string_view name) {
  // A key's `in` serves readers and writers alike; nothing is written here.
  auto in = find_key("federation", name)->in(const_cast<configuration&>(from));
  return std::visit(
      []<class Value>(const Value* x) -> rule_option {
        if constexpr (std::is_constructible_v<rule_option, Value>)
          return *x;
        else
          return {};
      },
      in);
}

void assign(configuration& to, std::string_view name, const rule_option& x) {
  auto in = find_key("federation", name)->in(to);
  std::visit(
      [&]<class Value>(const Value& v) { *std::get<Value*>(in) = v; }, x);
}

// Nobody knows how many residents will come.
std::uint64_t most_clients(const configuration& what) {
  constexpr std::uint64_t any = 1 << 24;
  return what.federation.residents ? any : leased(what);
}

rule_option default_of(
    const rule_row& rule, const rule_key& key, std::uint64_t clients) {
  auto start = key.get(rule.defaults);
  if (auto* count = std::get_if<std::uint64_t>(&start);
      count && key.at_most_clients)
    *count = std::min(*count, clients);
  return start;
}

// Regions are few: what nobody chose is at most as many.
void take_least_defaults(configuration& to, const std::any& options) {
  const auto& row = *row_of(to);
  for (const auto& key : row.keys)
    if (key.get(options) == key.get(row.defaults))
      assign(to, key.name, default_of(row, key, most_clients(to)));
}

std::string rules_of_rounds() {
  std::vector<std::string> quoted;
  for (auto name : rules_that([](const auto& row) { return row.rounds; }))
    quoted.push_back(toml_string(name));
  return either({quoted.begin(), quoted.end()});
}

// FedNova scales a mean once it knows every update in it; what an adaptive
// server or its momentum makes of a mean is not scaled along. FedDyn's server
// step is a rule of its own. The variate that SCAFFOLD's clients correct by is
// that of the version which they all start from.
void check_method(const configuration& what, const rule_row& rule,
    const rule_row::findings& found) {
  const auto& method = settings_of(what).work.method;
  const auto nova = method == "fednova";
  if (!nova && !what.client.keeps_variates())
    return;
  if (!rule.rounds)
    found("client.method",
        fmt::format("{}, which federation.rule = {} does not: set {}, or "
                    "another method",
            nova ? "weighs a round's updates by their steps"
                 : "moves control variates by rounds",
            toml_string(rule.name), rules_of_rounds()));
  else if (method != "scaffold" && what.federation.server != "average")
    found("client.method", fmt::format("is for federation.server = \"average\" "
                                       "alone, this is {}",
                               toml_string(what.federation.server)));
  else if (method == "feddyn" && what.federation.server_lr != 1.0)
    found("client.method",
        fmt::format("is for federation.server_lr = 1 alone, this is {:g}",
            what.federation.server_lr));
}

} // namespace

void name_rule(configuration& to, std::string name) {
  const configuration::federation_keys fresh;
  auto& keys = to.federation;
  keys.rule = std::move(name);
  keys.weighting = fresh.weighting;
  keys.min_updates = fresh.min_updates;
  keys.options = fresh.options;
  keys.regions.clear();
}

void choose_rule(configuration& to, const std::any& options) {
  if (const auto* levels = std::any_cast<hierarchy>(&options)) {
    choose_rule(to, levels->rule);
    to.federation.regions = levels->regions;
    return take_least_defaults(to, levels->rule);
  }
  auto row = find_rule(options.type());
  assert(row && "a rule that has a row");
  name_rule(to, std::string{row->name});
  for (const auto& key : row->keys)
    assign(to, key.name, key.get(options));
}

std::any rule_options_of(const configuration& from, const rule_row& rule) {
  auto result = rule.defaults;
  for (const auto& key : rule.keys)
    key.set(result, value(from, key.name));
  return result;
}

federated::settings settings_of(const configuration& what) {
  auto row = row_of(what);
  federated::settings result;
  result.seed = what.run.seed;
  result.rounds = what.run.rounds;
  result.weigh_samples = what.federation.weighting == "samples" &&
                         (!row || row->find("weighting"));
  result.min_updates = what.federation.min_updates;
  result.lease_time = from_seconds(what.federation.lease_seconds);
  result.keeps_leases = what.run.order == "virtual";
  result.work = what.client;
  if (leases_regions(what))
    result.work.method = "sgd"; // what regions hand in are means
  return result;
}

federated::rule make_rule(const configuration& what) {
  auto row = row_of(what);
  assert(row && "a rule that has a row");
  return row->make(rule_options_of(what, *row), settings_of(what));
}

std::string_view unit(const configuration& what) {
  if (what.is_mesh())
    return "step";
  auto row = row_of(what);
  return row ? row->unit : "version";
}

std::uint64_t cohort(const configuration& what) {
  if (what.is_mesh())
    return what.parallel.workers;
  auto row = row_of(what);
  auto clients = leased(what);
  return row ? row->cohort(rule_options_of(what, *row), clients) : clients;
}

std::string pace(const configuration& what) {
  if (what.is_mesh())
    return fmt::format("a step every {}", step_size(what));
  auto row = row_of(what);
  const auto& of = what.federation;
  auto result = row ? row->pace(rule_options_of(what, *row),
                          of.residents ? 0 : leased(what))
                    : "at its own pace";
  for (const auto& each : of.switches)
    result += fmt::format("; then {}", each);
  return what.run.order == "virtual" ? result + ", in virtual order" : result;
}

std::string who_trains(const configuration& what) {
  if (what.is_mesh())
    return fmt::format("{} rank{}", what.parallel.workers,
        what.parallel.workers == 1 ? "" : "s");
  const auto& of = what.federation;
  if (of.clients == 0)
    return "residents";
  return fmt::format("{} client{}{}{}{}", of.clients,
      of.clients == 1 ? "" : "s", of.residents ? " and residents" : "",
      what.client.method == "sgd" ? "" : " by " + what.client.method,
      of.regions.empty() ? "" : " " + hierarchy_text(what));
}

bool repeats_by_seed(const configuration& what) {
  if (what.is_mesh())
    return ranks_repeat_by_seed(what);
  auto row = row_of(what);
  if (what.run.order == "virtual")
    return true;
  if (!row || what.client.seconds > 0.0f ||
      !row->by_seed(rule_options_of(what, *row)) ||
      !switches_repeat_by_seed(what))
    return false;
  const auto levels = levels_of(what).all;
  return std::ranges::all_of(levels,
      [](const level& each) { return each.sums || repeats_by_seed(each.how); });
}

std::string_view rule_name(const configuration& what) {
  return what.is_mesh() ? what.parallel.sync : what.federation.rule;
}

std::string_view method_name(const configuration& what) {
  return what.is_mesh() ? what.optimiser.kind : what.client.method;
}

void check_rule(const configuration& what, const rule_row::findings& found) {
  auto row = row_of(what);
  if (!row)
    return;
  auto how = rule_options_of(what, *row);
  auto clients = most_clients(what);
  auto tell = [&](std::string_view key, std::string why) {
    found(fmt::format("federation.{}", key), std::move(why));
  };
  for (const auto& key : row->keys)
    if (key.at_most_clients && std::get<std::uint64_t>(key.get(how)) > clients)
      tell(key.name,
          fmt::format("is more than the {} clients there are; a client trains "
                      "once a version at most",
              clients));
  row->check(how, clients, tell);
  check_method(what, *row, found);
}

void take_rule_defaults(configuration& to, const origins& given) {
  auto row = row_of(to);
  if (!row)
    return;
  for (const auto& key : row->keys)
    if (!given.contains(fmt::format("federation.{}", key.name)))
      assign(to, key.name, default_of(*row, key, most_clients(to)));
}

} // namespace troupe
