#pragma once

#include "runtime/configuration/rules.hpp"

#include <any>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

/// What the rows of rules are written with: a key from a member of a rule's
/// options, and a row's functions from ones of these options.
namespace troupe::rule_rows {

template <class Value, class Options>
Value value_of(Value Options::*);
template <class Value, class Options>
Options options_of(Value Options::*);

template <auto Member>
rule_key common(std::string_view name) {
  using options = decltype(options_of(Member));
  using value = decltype(value_of(Member));
  rule_key result;
  result.name = name;
  result.get = [](const std::any& from) -> rule_option {
    return std::any_cast<const options&>(from).*Member;
  };
  result.set = [](std::any& to, const rule_option& x) {
    std::any_cast<options&>(to).*Member = std::get<value>(x);
  };
  return result;
}

template <auto Member>
rule_key own(std::string_view name, std::string_view meaning, range numbers,
    std::span<const std::string_view> choices = {}) {
  auto result = common<Member>(name);
  result.meaning = meaning;
  result.numbers = numbers;
  result.choices = choices;
  return result;
}

template <auto Member>
rule_key at_most_clients(std::string_view name, std::string_view meaning) {
  auto result = own<Member>(name, meaning, {1, 1 << 24});
  result.at_most_clients = true;
  return result;
}

// A row's function of any options, from one of these.
template <class Options, class Function>
auto by(Function f) {
  return [f](const std::any& how, auto&&... more) {
    return f(std::any_cast<const Options&>(how),
        std::forward<decltype(more)>(more)...);
  };
}

} // namespace troupe::rule_rows
