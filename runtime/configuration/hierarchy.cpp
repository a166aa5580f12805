#include "runtime/configuration/hierarchy.hpp"

#include "runtime/configuration/keys.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/servers.hpp"

#include <fmt/format.h>

#include <cassert>
#include <utility>

namespace troupe {

namespace {

// What the rule goes by and does not by itself, as text.
std::string keys_of(const std::any& rule) {
  const auto* row = find_rule(rule.type());
  assert(row && "a rule that has a row");
  configuration named;
  choose_rule(named, rule);
  auto text = fmt::format("rule={}", row->name);
  for (const auto& key : row->keys)
    if (key.get(rule) != key.get(row->defaults))
      text += fmt::format(
          " {}={}", key.name, find_key("federation", key.name)->value(named));
  return text;
}

std::string keys_of(const gpu::server_options& how) {
  if (how == gpu::server_options{})
    return {};
  configuration named;
  choose_server(named, how);
  std::string text;
  for (const auto& key : keys())
    if (key.section == "federation" && key.name.starts_with("server") &&
        key.applies(named))
      text += fmt::format(" {}={}", key.name, key.value(named));
  return text;
}

} // namespace

region::region(std::uint64_t count, std::any rule)
    : count_(count), rule_(std::move(rule)) {}

region::region(std::uint64_t count, hierarchy below)
    : count_(count),
      rule_(std::move(below.rule)),
      below_(std::move(below.regions)) {}

region& region::rounds(std::uint64_t count) {
  rounds_ = count;
  return *this;
}

region& region::server(const gpu::server_options& how) {
  server_ = how;
  return *this;
}

hierarchy region::under(std::any rule) const {
  hierarchy result{std::move(rule), below_};
  result.regions.insert(result.regions.begin(),
      fmt::format("{}: {}{}{}", count_, keys_of(rule_), keys_of(server_),
          rounds_ == 1 ? "" : fmt::format(" rounds={}", rounds_)));
  return result;
}

hierarchy edge::under(std::any rule) const {
  return {std::move(rule), {fmt::format("{}: rule=none", count_)}};
}

} // namespace troupe
