#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "runtime/files/files.hpp"
#include "runtime/record/run_directory.hpp"

namespace troupe {

/// Something that was asked for wrongly; ends with exit code 2.
struct misuse : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A run's directory, which is this process's as long as this is here.
struct claim {
  run_directory place;
  directory_lock lock;
};

/// Says whose it is.
[[noreturn]] void refuse_in_use(const std::filesystem::path& root);

/// A directory for a run that begins: `root`, or, if that is empty, one in
/// runs/ that is called by the run's name and the time. Throws `misuse` where
/// it holds a run, or is another process's.
claim claim_directory(
    const std::filesystem::path& root, const std::string& name);

} // namespace troupe
