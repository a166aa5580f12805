#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/files/files.hpp"

namespace troupe::cluster::certificates {

/// One certificate that an authority signed.
struct issued {
  std::string serial;
  std::string name;
  std::chrono::sys_seconds until{};
  bool revoked = false; ///< in the authority's list; the index knows nothing

  bool good(std::chrono::sys_seconds now) const {
    return !revoked && now < until;
  }
};

/// An authority's index: a line each, SERIAL NAME UNTIL, the time in UTC as in
/// 2026-12-31T23:59:59Z. Throws `file_error`, and `bad_file` for another line.
std::vector<issued> read_index(files& disk, const std::filesystem::path& path);
void write_index(files& disk, const std::filesystem::path& path,
    const std::vector<issued>& all);

/// "2026-12-31".
std::string day_of(std::chrono::sys_seconds when);

} // namespace troupe::cluster::certificates
