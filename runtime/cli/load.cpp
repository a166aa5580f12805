#include "runtime/cli/load.hpp"

#include "runtime/company/memory.hpp"
#include "runtime/company/restart.hpp"
#include "runtime/configuration/keys.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <exception>
#include <ostream>
#include <utility>

namespace troupe::cli {

namespace {

// As --set run.seed takes it: the key's range, and no zeros in front.
std::string checked_seed(const std::string& text) {
  std::uint64_t number = 0;
  auto end = text.data() + text.size();
  auto [rest, failed] = std::from_chars(text.data(), end, number);
  const auto& takes = find_key("run", "seed")->numbers;
  if (failed != std::errc{} || rest != end || std::to_string(number) != text ||
      !takes.holds(number))
    throw usage_error{
        fmt::format("--seed {} is not a whole number {}{}", text, takes.text(),
            rest == end && std::to_string(number) != text
                ? fmt::format(" (did you mean {}?)", number)
                : "")};
  return text;
}

void tell(const std::vector<std::string>& problems, console& to) {
  for (const auto& each : problems)
    to.err << each << "\n";
}

// What takes longer than a person waits without wondering.
void tell_of_waiting(const configuration& what, console& to) {
  constexpr double gib = 1024.0 * 1024.0 * 1024.0;
  if (auto bytes = made_data(what); bytes > 0.25 * gib) {
    to.err << fmt::format("note: making the data of {} clients, about {:.1f} "
                          "GiB\n",
        what.federation.clients, bytes / gib);
    to.err.flush();
  }
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
  if (read)
    compute_by(read.value.compute.instructions);
  for (const auto& each : read.notes)
    to.err << "note: " << each << "\n";
  tell(read.problems, to);
  if (!read)
    return {};
  return read;
}

std::optional<troupe::topology> load_topology(const std::filesystem::path& file,
    const std::vector<std::string>& settings, console& to, purpose what_for) {
  auto read = load_configuration(file, settings, to);
  if (!read)
    return {};
  try {
    auto problems = data_beyond_memory(read->value, read->where);
    if (what_for == purpose::train)
      for (auto& each : run_beyond_memory(read->value, read->where))
        problems.push_back(std::move(each));
    if (problems.empty()) {
      tell_of_waiting(read->value, to);
      auto result = with_memory(
          "loading the data", [&] { return from(read->value, read->where); });
      problems = result.problems(read->where);
      if (problems.empty())
        return result;
    }
    tell(problems, to);
  } catch (const memory_shortage&) {
    throw; // not the configuration's fault
  } catch (const std::exception& error) {
    tell({error.what()}, to);
  }
  return {};
}

} // namespace troupe::cli
