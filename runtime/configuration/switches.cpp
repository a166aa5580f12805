#include "runtime/configuration/switches.hpp"

#include "runtime/configuration/keys.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/rules.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>

namespace troupe {

namespace {

using federated::planned_switch;

constexpr std::string_view section = "federation.";

struct parsed_switch {
  planned_switch what;
  std::string wrong; ///< said behind the word; empty: it is one
};

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> result;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0)
      result.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number value{};
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

// Empty: it says when.
std::string take_condition(std::string_view text, planned_switch& to) {
  const auto words = words_of(text);
  if (words.size() == 2 && words[0] == "version") {
    const auto version = number_in<std::uint64_t>(words[1]);
    if (!version || *version == 0)
      return fmt::format("names no version from 1 up: {}", words[1]);
    to.version = *version;
  } else if (words.size() == 2 && words[0] == "stragglers") {
    const auto part = number_in<double>(words[1]);
    if (!part || !(*part >= 0.0 && *part < 1.0))
      return fmt::format("names no part from 0 to below 1: {}", words[1]);
    to.stragglers = *part;
  } else {
    return "does not begin with \"version N:\" or \"stragglers PART:\"";
  }
  to.when = fmt::format("{} {}", words[0], words[1]);
  return {};
}

parsed_switch parse(std::string_view word) {
  parsed_switch result;
  const auto colon = std::min(word.find(':'), word.size());
  result.wrong = take_condition(word.substr(0, colon), result.what);
  if (!result.wrong.empty())
    return result;
  for (auto each : words_of(word.substr(std::min(colon + 1, word.size()))))
    if (each.find('=') == std::string_view::npos)
      result.wrong = fmt::format("has {}, which is no KEY=VALUE", each);
    else if (each.ends_with(','))
      result.wrong = fmt::format(
          "has {} with a comma: blanks stand between the keys", each);
    else if (each.starts_with(section))
      result.what.settings.emplace_back(each);
    else
      result.what.settings.push_back(fmt::format("{}{}", section, each));
  if (result.wrong.empty() && result.what.settings.empty())
    result.wrong = "sets nothing: KEY=VALUE stands behind the colon, like "
                   "rule=fedbuff";
  return result;
}

bool is_of_rules(std::string_view name) {
  for (const auto& row : rules())
    if (row.find(name))
      return true;
  return name == "rule";
}

std::pair<std::string_view, std::string_view> halves(std::string_view setting) {
  const auto equals = std::min(setting.find('='), setting.size());
  return {setting.substr(0, equals),
      setting.substr(std::min(equals + 1, setting.size()))};
}

// What no rule goes by was read once, at the start.
std::vector<std::string> refused(std::span<const std::string> settings) {
  std::vector<std::string> problems;
  for (const auto& each : settings) {
    const auto path = halves(each).first;
    const auto dot = std::min(path.find('.'), path.size());
    if (is_of_rules(path))
      problems.push_back(fmt::format(
          "{} is not a key (did you mean {}{}?)", path, section, path));
    else if (find_key(path.substr(0, dot),
                 path.substr(std::min(dot + 1, path.size()))) &&
             !(path.starts_with(section) &&
                 is_of_rules(path.substr(section.size()))))
      problems.push_back(
          fmt::format("{} cannot change while a run goes on: federation.rule "
                      "can, and the keys that rules go by",
              path));
  }
  return problems;
}

std::string rule_named_in(
    std::span<const std::string> settings, const std::string& otherwise) {
  auto result = otherwise;
  for (const auto& each : settings)
    if (const auto [path, value] = halves(each); path == "federation.rule")
      result = value.size() > 1 && value.front() == '"'
                   ? value.substr(1, value.size() - 2)
                   : value;
  return result;
}

void copy_rule(const configuration& from, configuration& to) {
  to.federation.rule = from.federation.rule;
  to.federation.weighting = from.federation.weighting;
  to.federation.min_updates = from.federation.min_updates;
  to.federation.options = from.federation.options;
}

std::string why_variates_stay(const configuration& what) {
  return fmt::format("cannot be: client.method = {} keeps control variates, "
                     "which are of one rule's rounds",
      toml_string(what.client.method));
}

// Before its settings.
configuration with_rule(const configuration& first, const configuration& now,
    const std::string& name) {
  auto result = now;
  if (name == now.federation.rule || !find_rule(name))
    return result; // the settings say what is wrong with a name
  if (name == first.federation.rule) {
    copy_rule(first, result);
  } else {
    name_rule(result, name);
    take_rule_defaults(result, {});
  }
  return result;
}

// What of the list in `now` cannot be; empty: all of it can.
std::string why_not_to_come(
    const configuration& first, const configuration& now) {
  auto then = now;
  version_id before = 0;
  for (const auto& each : now.federation.switches) {
    const auto [one, wrong] = parse(each);
    if (!wrong.empty())
      return {}; // its word is refused
    if (one.version > 0 && one.version <= before)
      return fmt::format(
          "{}: comes behind version {} in the list", toml_string(each), before);
    before = std::max(before, one.version);
    auto next = gone_over(first, then, one.settings);
    if (!next)
      return fmt::format(
          "{}: {}", toml_string(each), fmt::join(next.problems, "; "));
    then = std::move(next.value);
  }
  return {};
}

} // namespace

std::vector<planned_switch> switches_of(const configuration& what) {
  std::vector<planned_switch> result;
  for (const auto& each : what.federation.switches)
    result.push_back(parse(each).what);
  return result;
}

std::string misnomer_of_switch(std::string_view word) {
  return parse(word).wrong;
}

void check_switches(const configuration& what,
    const std::function<void(std::string_view key, std::string why)>& found) {
  constexpr std::string_view key = "federation.switch";
  if (what.federation.switches.empty())
    return;
  if (what.client.keeps_variates())
    return found(key, why_variates_stay(what));
  if (auto why = why_not_to_come(what, what); !why.empty())
    found(key, std::move(why));
}

bool switches_repeat_by_seed(const configuration& what) {
  auto now = what;
  for (const auto& each : switches_of(what)) {
    auto next = gone_over(what, now, each.settings);
    next.value.federation.switches.clear();
    if (each.version == 0 || !next || !repeats_by_seed(next.value))
      return false;
    now = std::move(next.value);
  }
  return true;
}

reading gone_over(const configuration& first, const configuration& now,
    std::span<const std::string> settings) {
  auto problems = refused(settings);
  const auto name = rule_named_in(settings, now.federation.rule);
  auto start = with_rule(first, now, name);
  // They are of the list that the run began with, and held against that.
  auto to_come = std::exchange(start.federation.switches, {});
  auto result = change_configuration(start, settings);
  result.value.federation.switches = std::move(to_come);
  if (!problems.empty())
    result.problems = std::move(problems);
  for (auto& each : result.problems)
    for (std::string_view from : {"--set: ", "--set "})
      if (each.starts_with(from))
        each.erase(0, from.size());
  return result;
}

std::string said_to_rule(const configuration& what) {
  const auto* row = find_rule(what.federation.rule);
  auto result = fmt::format("{}rule={}", section, what.federation.rule);
  if (!row)
    return result;
  const auto how = rule_options_of(what, *row);
  for (const auto& key : row->keys)
    if (key.get(how) != key.get(row->defaults))
      result += fmt::format(" {}{}={}", section, key.name,
          find_key("federation", key.name)->value(what));
  return result;
}

configuration in_force(const configuration& first, const std::string& state) {
  auto result = first;
  if (state.empty())
    return result;
  const auto then = parse_effective_configuration(state, "the state").value;
  copy_rule(then, result);
  result.federation.switches = then.federation.switches;
  return result;
}

federated::make_successor successors_of(const configuration& first) {
  if (!find_rule(first.federation.rule))
    return {};
  return [first](const std::string& now,
             const std::vector<std::string>& settings, bool planned) {
    if (first.client.keeps_variates())
      throw std::invalid_argument(why_variates_stay(first));
    auto before = in_force(first, now);
    auto& to_come = before.federation.switches;
    if (planned && !to_come.empty())
      to_come.erase(to_come.begin());
    const auto next = gone_over(first, before, settings);
    if (!next)
      throw std::invalid_argument(
          fmt::format("{}", fmt::join(next.problems, "; ")));
    if (const auto why =
            planned ? std::string{} : why_not_to_come(first, next.value);
        !why.empty())
      throw std::invalid_argument(
          fmt::format("federation.switch could not go on behind it: {}", why));
    return federated::successor{make_rule(next.value),
        next.value.federation.rule, said_to_rule(next.value),
        to_toml(next.value)};
  };
}

} // namespace troupe
