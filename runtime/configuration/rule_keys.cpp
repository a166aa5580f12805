#include "runtime/configuration/rule_keys.hpp"

#include "runtime/configuration/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <variant>

namespace troupe {

namespace {

using namespace std::string_view_literals;

// `protocols/clocks/` has them.
constexpr std::array of_parameter_servers{"bsp"sv, "ssp"sv, "asp"sv};

// What a key of these rules needs; a program's own may go by common ones.
void belong(key& k, const std::vector<std::string_view>& users, bool common) {
  std::vector<std::string> quoted;
  for (auto user : users)
    quoted.push_back(toml_string(user));
  k.used = [users, common](const configuration& c) {
    const auto& rule = c.federation.rule;
    return std::ranges::find(users, rule) != users.end() ||
           (common && !find_rule(rule));
  };
  k.used_with = fmt::format(
      "federation.rule = {}", either({quoted.begin(), quoted.end()}));
}

std::vector<std::string_view> users_of(std::string_view name) {
  return rules_that([&](const rule_row& row) { return row.find(name); });
}

key own_key(const rule_key& from) {
  auto users = users_of(from.name);
  key result{"federation", from.name,
      [name = std::string{from.name}](configuration& c) {
        return std::visit(
            [](auto& x) -> cell { return &x; }, c.federation.options.at(name));
      },
      fmt::format("{}: {}", fmt::join(users, ", "), from.meaning), true,
      from.numbers, from.choices};
  belong(result, users, false);
  return result;
}

} // namespace

const std::vector<std::string_view>& rule_names() {
  static const auto all = rules_that([](const rule_row&) { return true; });
  return all;
}

std::string why_not_yet(std::string_view rule) {
  return std::ranges::find(of_parameter_servers, rule) ==
                 of_parameter_servers.end()
             ? ""
             : "is for parameter servers, which troupe run does not have yet";
}

std::string seed_meaning() {
  auto by_seed =
      rules_that([](const rule_row& row) { return row.by_seed(row.defaults); });
  return fmt::format(
      "all randomness; {}: one seed, one model", fmt::join(by_seed, ", "));
}

std::string rounds_meaning() {
  auto others =
      rules_that([](const rule_row& row) { return row.unit == "version"; });
  return fmt::format(
      "how long to train; {}: versions", fmt::join(others, ", "));
}

std::string weighting_meaning() {
  auto others = rules_that([](const rule_row& row) {
    auto key = row.find("weighting");
    return key && key->get(row.defaults) == rule_option{"uniform"};
  });
  return fmt::format("samples or uniform: how updates count; {}: uniform",
      fmt::join(others, ", "));
}

void keep_for_users(key& common) {
  auto users = users_of(common.name);
  if (!users.empty() && users.size() < rules().size())
    belong(common, users, true);
}

std::vector<key> own_keys() {
  std::vector<key> result;
  for (const auto& row : rules())
    for (const auto& each : row.keys)
      if (each.own() &&
          std::ranges::find(result, each.name, &key::name) == result.end())
        result.push_back(own_key(each));
  return result;
}

} // namespace troupe
