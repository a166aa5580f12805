#pragma once

#include "runtime/cli/command.hpp"
#include "runtime/simulation/simulate.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace troupe::cli {

/// Simulates what `file` describes, until Ctrl-C; answers with the exit code.
int simulate(const std::filesystem::path& file,
    const std::vector<std::string>& settings, const simulation::options& how,
    console& to);

} // namespace troupe::cli
