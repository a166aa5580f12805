#pragma once

#include <charconv>
#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "runtime/record/checkpoint.hpp"
#include "runtime/record/model_file.hpp"

namespace troupe {

/// What a checkpoint says beside its values, as its file has it.
metadata fields_of(const checkpoint& what);

/// The digest over all fields but the seal itself and what they are sealed
/// with: no altered byte that is read back goes unnoticed.
std::string seal_of(const metadata& fields, const std::string& with);

/// Throws `bad_file` where the seal is not that of these fields.
void expect_seal(const std::filesystem::path& path, const metadata& fields,
    const std::string& with);

/// Does `work`; to what is wrong with a checkpoint adds what to remove.
template <class Work>
auto or_advise(const std::string& file, Work&& work) {
  try {
    return work();
  } catch (const bad_file& error) {
    throw bad_file(
        error, "Remove " + file + " to resume from the one before it");
  }
}

/// Reads the fields into `to`. Throws `bad_file` for one that is missing or
/// none, and where the file is named for another version.
void read_fields(
    const std::filesystem::path& path, const metadata& fields, checkpoint& to);

/// One that has to be there.
const std::string& field_of(const std::filesystem::path& path,
    const metadata& fields, const std::string& key);

/// The same as a number.
template <class Number>
Number number_of(const std::filesystem::path& path, const metadata& fields,
    const std::string& key) {
  const auto& digits = field_of(path, fields, key);
  Number value{};
  auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size())
    throw bad_file(
        path, 8, fmt::format("a number as {}, not \"{}\"", key, digits));
  return value;
}

} // namespace troupe
