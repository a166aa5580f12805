#include "runtime/cluster/issued.hpp"

#include <ctime>
#include <iomanip>
#include <optional>
#include <sstream>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace troupe::cluster::certificates {

namespace {

std::tm broken_down(std::chrono::sys_seconds when) {
  return fmt::gmtime(static_cast<std::time_t>(when.time_since_epoch().count()));
}

// Nothing where `line` is none of an index.
std::optional<issued> read_line(const std::string& line) {
  issued result;
  std::tm then{};
  std::string rest;
  std::istringstream words{line};
  if (!(words >> result.serial >> result.name >>
          std::get_time(&then, "%Y-%m-%dT%H:%M:%SZ")) ||
      words >> rest)
    return std::nullopt;
  result.until =
      std::chrono::sys_seconds{std::chrono::seconds{::timegm(&then)}};
  return result;
}

} // namespace

std::vector<issued> read_index(files& disk, const std::filesystem::path& path) {
  std::vector<issued> result;
  std::istringstream lines{disk.read_all(path)};
  std::uint64_t offset = 0;
  for (std::string line; std::getline(lines, line); offset += line.size() + 1) {
    auto one = read_line(line);
    if (!one)
      throw bad_file{path, offset, "SERIAL NAME UNTIL"};
    result.push_back(std::move(*one));
  }
  return result;
}

void write_index(files& disk, const std::filesystem::path& path,
    const std::vector<issued>& all) {
  std::string text;
  for (const auto& each : all)
    text += fmt::format("{} {} {:%Y-%m-%dT%H:%M:%S}Z\n", each.serial, each.name,
        broken_down(each.until));
  disk.write_atomically(path, text);
}

std::string day_of(std::chrono::sys_seconds when) {
  return fmt::format("{:%Y-%m-%d}", broken_down(when));
}

} // namespace troupe::cluster::certificates
