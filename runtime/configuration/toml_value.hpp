#pragma once

#include "runtime/configuration/keys.hpp"

#include <toml++/toml.h>

#include <string>

namespace troupe {

/// A value as a message shows it, shortened and on one line.
std::string as_written(const toml::node& value);

/// Writes `value` to where `to` keeps key `k`. Answers nothing, or what was
/// wrong with it, in words that go on behind the value: "is not one of ...";
/// then `to` is as it was.
std::string assign_value(
    const key& k, const toml::node& value, configuration& to);

} // namespace troupe
