#pragma once

#include "protocols/federated/rule.hpp"
#include "runtime/configuration/configuration.hpp"
#include "runtime/configuration/rules.hpp"

#include <any>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// The rule that a configuration names, and what the configuration says to it.
/// A name that no row has is a rule of the program's own: it goes by the common
/// keys, and the rest is the program's to know.

/// Names the rule whose options these are, and writes them down; keys that it
/// does not go by return to their defaults.
void choose_rule(configuration& to, const std::any& options);

/// Names a rule without a row; every key that rules go by has its default.
void name_rule(configuration& to, std::string name);

/// The rule's options as `from` has them; it is one that has a row.
std::any rule_options_of(const configuration& from, const rule_row& rule);

template <class Options>
Options options_of(const configuration& from) {
  return std::any_cast<Options>(
      rule_options_of(from, *find_rule(typeid(Options))));
}

/// What every rule is told.
federated::settings settings_of(const configuration& what);

/// The rule at the start of a run; it is one that has a row.
federated::rule make_rule(const configuration& what);

/// What a run goes by: its rule, or how a mesh agrees.
std::string_view rule_name(const configuration& what);
/// How whoever trains descends: a client's method, or a mesh's optimiser.
std::string_view method_name(const configuration& what);

/// What the run counts: "round", "version" or, of a mesh, "step".
std::string_view unit(const configuration& what);

/// Clients of a round, or updates of a version; of a rule without a row, all;
/// of a mesh, its ranks.
std::uint64_t cohort(const configuration& what);

/// In a few words: "10 a round".
std::string pace(const configuration& what);

/// Likewise: "100 clients", "residents", "100 clients and residents", "4
/// ranks".
std::string who_trains(const configuration& what);

/// Whether a seed repeats a run; else its journal does.
bool repeats_by_seed(const configuration& what);

/// Tells `found("federation.buffer", why)` of what the rule cannot go by.
void check_rule(const configuration& what, const rule_row::findings& found);

/// Gives the rule's keys that `given` has no place for the rule's own defaults.
void take_rule_defaults(configuration& to, const origins& given);

} // namespace troupe
