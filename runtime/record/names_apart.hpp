#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace troupe {

/// A name for each of several directories: its own, and those of as many
/// directories above as it takes to tell it from the others. What is there
/// twice gets a number.
///
///     runs/a, runs/b, old/a  ->  runs/a, b, old/a
///     runs/a, runs/a         ->  a, a (2)
std::vector<std::string> names_apart(
    std::span<const std::filesystem::path> directories);

} // namespace troupe
