#include "runtime/configuration/levels.hpp"

#include "runtime/configuration/keys.hpp"
#include "runtime/configuration/legible.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/servers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace troupe {

namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t most_regions = 1 << 20;
// Said once, for the whole run.
constexpr std::array of_the_run{"clients"sv, "residents"sv, "min_residents"sv,
    "regions"sv, "switch"sv, "max_norm"sv, "shards"sv};

struct setting {
  std::string_view name;
  std::string_view value;
};

struct line {
  std::string_view text;
  std::uint64_t count = 0;
  std::vector<setting> settings{};

  std::string_view value(std::string_view name) const {
    for (const auto& each : settings)
      if (each.name == name)
        return each.value;
    return {};
  }
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t result = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc{} || end != text.data() + text.size())
    return {};
  return result;
}

std::string_view next_word(std::string_view& text) {
  constexpr auto blanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  const auto word = text.substr(0, text.find_first_of(blanks));
  text.remove_prefix(word.size());
  return word;
}

// Says what is no level; else nothing.
std::string take_apart(line& it) {
  auto rest = it.text;
  auto head = next_word(rest);
  if (head.ends_with(':'))
    head.remove_suffix(1);
  const auto count = number(head);
  if (!count || *count < 1 || *count > most_regions)
    return fmt::format("begins with {}: a level begins with how many regions "
                       "it has, from 1 to {}, like \"4: rule=fedavg\"",
        head.empty() ? "nothing" : legible(head), most_regions);
  it.count = *count;
  for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) {
    const auto equals = word.find('=');
    if (equals == word.npos || equals == 0)
      return fmt::format("has {}, which is not key=value", legible(word));
    const setting one{word.substr(0, equals), word.substr(equals + 1)};
    if (std::ranges::find(of_the_run, one.name) != of_the_run.end())
      return fmt::format(
          "has {}, which is said once, for the whole run", one.name);
    it.settings.push_back(one);
  }
  return {};
}

// What a level is before its settings are read: nothing of the root's.
configuration plain(
    const configuration& root, std::uint64_t below, bool has_clients) {
  auto result = root;
  result.federation = {};
  result.federation.clients = below;
  result.federation.max_norm = root.federation.max_norm;
  result.federation.lease_seconds = root.federation.lease_seconds;
  if (!has_clients)
    result.client.method = "sgd"; // the clients' own matter
  return result;
}

// Their defaults go by the rule, and a server's by the server.
void take_defaults(configuration& to, const line& it) {
  if (const auto rule = it.value("rule"); find_rule(rule))
    to.federation.rule = rule;
  if (const auto server = it.value("server");
      std::ranges::find(server_names(), server) != server_names().end())
    to.federation.server = server;
  take_rule_defaults(to, {});
  take_server_defaults(to, {});
}

level level_of(const configuration& root, const line& it, std::uint64_t below,
    bool has_clients, std::vector<std::string>& wrong) {
  level result;
  result.count = it.count;
  result.sums = it.value("rule") == "none";
  result.how = plain(root, below, has_clients);
  if (result.sums) {
    if (it.settings.size() > 1)
      wrong.push_back("is edges that only sum: they go by no other key");
    return result;
  }
  take_defaults(result.how, it);
  std::vector<std::string> settings;
  for (const auto& [name, value] : it.settings)
    if (name != "rounds")
      settings.push_back(fmt::format("federation.{}={}", name, value));
    else if (auto rounds = number(value); rounds && *rounds >= 1)
      result.rounds = *rounds;
    else
      wrong.push_back(
          fmt::format("has rounds={}, which is not from 1 up", legible(value)));
  result.how.run.rounds = result.rounds;
  auto read = change_configuration(result.how, settings);
  for (auto& each : read.problems) {
    constexpr auto origin = "--set: "sv;
    if (each.starts_with(origin))
      each.erase(0, origin.size());
    // What is wrong with the rest of the run is said once, of the run.
    if (each.starts_with("federation.") || each.starts_with("client."))
      wrong.push_back(": " + each);
  }
  result.how = std::move(read.value);
  return result;
}

std::string in_words(const level& what) {
  return fmt::format("{} {}{}", what.count, what.sums ? "edge" : "region",
      what.count == 1 ? "" : "s");
}

} // namespace

std::uint64_t hierarchy_levels::leaves() const noexcept {
  std::uint64_t result = 1;
  for (const auto& each : all)
    if (!each.sums)
      result = std::min(result * each.count, most_regions * most_regions);
  return leases_regions() ? result : 0;
}

std::uint64_t hierarchy_levels::edges() const noexcept {
  std::uint64_t result = 0;
  for (const auto& each : all)
    if (each.sums)
      result = std::max<std::uint64_t>(result, 1) * each.count;
  return result;
}

hierarchy_levels levels_of(const configuration& what) {
  hierarchy_levels result;
  std::vector<line> lines;
  const auto& texts = what.federation.regions;
  for (const auto& text : texts) {
    lines.push_back({text});
    if (auto wrong = take_apart(lines.back()); !wrong.empty())
      result.problems.push_back(fmt::format("\"{}\" {}", legible(text), wrong));
  }
  if (!result.problems.empty())
    return result;
  std::uint64_t regions = 1;
  for (const auto& each : lines)
    if (each.value("rule") != "none")
      regions = std::min(regions * each.count, most_regions);
  const auto clients = what.federation.clients;
  const auto largest = (clients + regions - 1) / regions;
  auto summing = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto has_clients =
        i + 1 == lines.size() || lines[i + 1].value("rule") == "none";
    std::vector<std::string> wrong;
    result.all.push_back(level_of(what, lines[i],
        has_clients ? largest : lines[i + 1].count, has_clients, wrong));
    if (summing && !result.all.back().sums)
      wrong.push_back("has a rule below edges that only sum");
    summing = result.all.back().sums;
    for (const auto& each : wrong)
      result.problems.push_back(fmt::format("\"{}\"{}{}", legible(texts[i]),
          each.starts_with(':') ? "" : " ", each));
  }
  return result;
}

std::uint64_t leased(const configuration& what) {
  if (what.federation.regions.empty())
    return what.federation.clients;
  const auto levels = levels_of(what);
  return levels.leases_regions() ? levels.all.front().count
                                 : what.federation.clients;
}

bool leases_regions(const configuration& what) {
  return !what.federation.regions.empty() && levels_of(what).leases_regions();
}

std::string hierarchy_text(const configuration& what) {
  std::string result;
  for (const auto& each : levels_of(what).all) {
    result += result.empty() ? "in " : " of ";
    result += in_words(each);
    if (!each.sums)
      result += fmt::format(" by {}{}", each.how.federation.rule,
          each.rounds == 1
              ? ""
              : fmt::format(" ({} {}s)", each.rounds, unit(each.how)));
  }
  return result;
}

id_range clients_of_leaf(
    std::uint64_t leaf, std::uint64_t leaves, std::uint64_t clients) noexcept {
  const auto each = clients / leaves;
  const auto more = clients % leaves;
  return {leaf * each + std::min(leaf, more), each + (leaf < more ? 1 : 0)};
}

} // namespace troupe
