#pragma once

#include "protocols/federated/fedasync.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"
#include "protocols/federated/rule.hpp"
#include "runtime/configuration/keys.hpp"
#include "runtime/configuration/rule_option.hpp"

#include <any>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

namespace troupe {

/// A key of [federation] that a rule goes by: a member of its options. It is
/// the rule's own, or one of the common ones (weighting, min_updates), whose
/// meaning stands in `runtime/configuration/keys.cpp`.
struct rule_key {
  std::string_view name;
  std::string_view meaning; ///< one line; empty: a common key
  range numbers;
  std::span<const std::string_view> choices;
  bool at_most_clients = false; ///< so is its default
  rule_option (*get)(const std::any& options) = nullptr;
  void (*set)(std::any& options, const rule_option& value) = nullptr;

  bool own() const noexcept { return !meaning.empty(); }
};

/// One rule: all that a program needs to know of it beside its pair of files.
/// `how` is a value of the rule's options, of the type that `defaults` has.
struct rule_row {
  std::string_view name;    ///< "fedavg", as federation.rule has it
  std::string_view meaning; ///< one line
  std::string_view unit;    ///< what its runs count: "round" or "version"
  bool averages = true;     ///< a server takes its means on; else it mixes
  bool rounds = false;      ///< a version's updates all start from the last one
  std::any defaults;
  /// A seed repeats a run; else its journal does.
  std::function<bool(const std::any& how)> by_seed;
  std::vector<rule_key> keys;
  std::function<federated::rule(
      const std::any& how, const federated::settings& common)>
      make;
  /// Clients of a round, or updates of a version.
  std::function<std::uint64_t(const std::any& how, std::uint64_t clients)>
      cohort;
  /// In a few words, for a drawing: "10 a round". 0 clients: any number.
  std::function<std::string(const std::any& how, std::uint64_t clients)> pace;
  /// Tells `found` of keys that contradict each other, and why.
  using findings = std::function<void(std::string_view key, std::string why)>;
  std::function<void(
      const std::any& how, std::uint64_t clients, const findings& found)>
      check;

  const rule_key* find(std::string_view key) const noexcept;
};

/// Every rule that a configuration can name; the default comes first.
std::span<const rule_row> rules();

/// The names of those that fit.
std::vector<std::string_view> rules_that(
    const std::function<bool(const rule_row&)>& fit);

/// Null for a rule of a program's own.
const rule_row* find_rule(std::string_view name);
/// By the type of its options.
const rule_row* find_rule(const std::type_info& options);

} // namespace troupe
