#include "runtime/cli/load.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <exception>
#include <ostream>

namespace troupe::cli {

namespace {

std::string checked_seed(const std::string& text) {
  std::int64_t number = 0;
  auto end = text.data() + text.size();
  auto [rest, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc{} || rest != end || number < 0)
    throw usage_error{
        fmt::format("--seed {} is not a whole number from 0 up", text)};
  return text;
}

void tell(const std::vector<std::string>& problems, console& to) {
  for (const auto& each : problems)
    to.err << each << "\n";
}

} // namespace

std::vector<std::string> settings(const arguments& given) {
  auto result = given.all("set");
  if (given.has("seed"))
    result.push_back("run.seed=" + checked_seed(given.value("seed")));
  return result;
}

std::optional<reading> load_configuration(const std::filesystem::path& file,
    const std::vector<std::string>& settings, console& to) {
  auto read = read_configuration(file, settings);
  tell(read.problems, to);
  if (!read)
    return {};
  return read;
}

std::optional<troupe::topology> load_topology(const std::filesystem::path& file,
    const std::vector<std::string>& settings, console& to) {
  auto read = load_configuration(file, settings, to);
  if (!read)
    return {};
  try {
    auto result = from(read->value, read->where);
    auto problems = result.problems(read->where);
    tell(problems, to);
    if (problems.empty())
      return result;
  } catch (const std::exception& error) {
    tell({error.what()}, to);
  }
  return {};
}

} // namespace troupe::cli
