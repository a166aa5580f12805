#pragma once

#include "runtime/configuration/keys.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What the table of keys (`runtime/configuration/keys.cpp`) takes from the
/// rules' rows.

const std::vector<std::string_view>& rule_names();

/// Why a rule that is known cannot run, said behind its name; empty if it can,
/// or is not known.
std::string why_not_yet(std::string_view rule);

/// Meanings of common keys that tell of rules by name.
std::string seed_meaning();
std::string rounds_meaning();
std::string weighting_meaning();

/// Lets a key that some rules have no use for be for the others alone; a rule
/// of a program's own may go by every common key.
void keep_for_users(key& common);

/// The rules' own keys of [federation], each once.
std::vector<key> own_keys();

} // namespace troupe
