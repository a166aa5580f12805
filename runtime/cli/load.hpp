#pragma once

#include "runtime/cli/command.hpp"
#include "runtime/configuration/configuration.hpp"
#include "runtime/topology.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace troupe::cli {

/// The settings that --set and --seed ask for.
/// Throws `usage_error` when the seed is not a number.
std::vector<std::string> settings(const arguments& given);

/// The configuration in `file`; nothing, with every problem told to `to.err`,
/// if it is not sound.
std::optional<reading> load_configuration(const std::filesystem::path& file,
    const std::vector<std::string>& settings, console& to);

/// What a topology is loaded for: training takes the most memory.
enum class purpose { train, score };

/// The same, with all that it names: data, model, initial parameters. Refuses
/// what has no room here before it takes any.
std::optional<troupe::topology> load_topology(const std::filesystem::path& file,
    const std::vector<std::string>& settings, console& to,
    purpose what_for = purpose::train);

} // namespace troupe::cli
