#include "runtime/configuration/configuration_reader.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "runtime/configuration/legible.hpp"
#include "runtime/configuration/toml_guard.hpp"

namespace troupe {

namespace {

using reader = configuration_reader;

void read_toml(reader& reads, std::string_view text, std::string_view name) {
  auto refuse = [&](std::size_t line, std::string_view why) {
    reads.fault(line, fmt::format("{}:{}: {}", name, line, legible(why, 500)));
  };
  try {
    if (auto found = find_stray(text))
      refuse(found->line,
          fmt::format(
              "{} stands outside quotes; text is written \"so\"", found->text));
    else
      reads.read(toml::parse(text), name);
  } catch (const toml::parse_error& error) {
    refuse(error.source().begin.line, error.description());
  }
}

reading read_text(reader reads, std::string_view text, std::string_view name,
    std::span<const std::string> settings) {
  read_toml(reads, text, name);
  for (const auto& setting : settings)
    reads.set(setting);
  reads.leave_out_unused();
  reads.take_defaults();
  return std::move(reads).finish();
}

reading read_file(reader reads, const std::filesystem::path& file,
    std::span<const std::string> settings) {
  std::error_code failed;
  std::ifstream in;
  std::string text;
  auto why = std::make_error_code(std::errc::is_a_directory);
  if (!std::filesystem::is_directory(file, failed)) {
    in.open(file, std::ios::binary);
    why = {errno, std::generic_category()};
    text.assign(std::istreambuf_iterator<char>{in}, {});
  }
  if (in.is_open() && !in.bad())
    return read_text(std::move(reads), text, file.string(), settings);
  reading unread;
  unread.problems.push_back(
      fmt::format("{} cannot be read: {}", file.string(), why.message()));
  return unread;
}

} // namespace

reading parse_configuration(std::string_view text, std::string_view name,
    std::span<const std::string> settings) {
  return read_text(reader{{}}, text, name, settings);
}

reading read_configuration(
    const std::filesystem::path& file, std::span<const std::string> settings) {
  return read_file(reader{{}}, file, settings);
}

reading read_effective_configuration(const std::filesystem::path& file) {
  return read_file(reader{{}, reader::words::any}, file, {});
}

reading parse_effective_configuration(
    std::string_view text, std::string_view name) {
  return read_text(reader{{}, reader::words::any}, text, name, {});
}

reading change_configuration(
    const configuration& start, std::span<const std::string> settings) {
  reader reads{start};
  for (const auto& setting : settings)
    reads.set(setting);
  reads.reset_unused();
  return std::move(reads).finish();
}

} // namespace troupe
