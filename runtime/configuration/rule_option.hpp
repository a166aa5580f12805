#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <variant>

namespace troupe {

/// The value of a key that belongs to rules.
using rule_option = std::variant<std::uint64_t, double, std::string>;

/// Rules' own keys of [federation] by name: one that several rules have stands
/// once. Which there are, the rules' rows say
/// (`runtime/configuration/rules.hpp`).
using rule_options = std::map<std::string, rule_option, std::less<>>;

/// Every rule's, with the default of the first that has it.
rule_options default_rule_options();

} // namespace troupe
