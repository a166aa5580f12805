#include "runtime/cli/numbers.hpp"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace troupe::cli {
namespace {

constexpr std::size_t most_bytes = std::size_t{4} << 30;

std::optional<std::size_t> size_in(std::string_view text) {
  std::size_t value = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit{
      read.ptr, static_cast<std::size_t>(text.data() + text.size() - read.ptr)};
  if (read.ec != std::errc{} || value > most_bytes)
    return std::nullopt;
  const auto shift = unit.empty()                 ? 0
                     : unit == "K" || unit == "k" ? 10
                     : unit == "M" || unit == "m" ? 20
                     : unit == "G" || unit == "g" ? 30
                                                  : -1;
  if (shift < 0 || value > (most_bytes >> shift))
    return std::nullopt;
  return value << shift;
}

} // namespace

std::uint64_t whole_number(const arguments& given, std::string_view name,
    std::uint64_t otherwise, std::uint64_t least, std::uint64_t most) {
  if (!given.has(name))
    return otherwise;
  const auto text = given.value(name);
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc{} || read.ptr != end || value < least ||
      value > most)
    throw usage_error{fmt::format("--{} {} is not a whole number from {} to {}",
        name, text, least, most)};
  return value;
}

std::vector<std::size_t> sizes_of(const std::string& text) {
  const auto bad = [&](std::string_view part) {
    return usage_error{fmt::format("--size {}: \"{}\" is not a number of bytes "
                                   "up to 4G, as in 4, 64K, 1M, "
                                   "4..256M or 4,1M",
        text, part)};
  };
  std::vector<std::size_t> result;
  if (const auto dots = text.find(".."); dots != std::string::npos) {
    const auto first = size_in(text.substr(0, dots));
    const auto last = size_in(text.substr(dots + 2));
    if (!first || *first == 0)
      throw bad(text.substr(0, dots));
    if (!last || *last < *first)
      throw bad(text.substr(dots + 2));
    for (auto each = *first; each <= *last; each *= 4)
      result.push_back(each);
    if (result.back() != *last)
      result.push_back(*last);
    return result;
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    const auto one = text.substr(begin, comma - begin);
    const auto size = size_in(one);
    if (!size)
      throw bad(one);
    result.push_back(*size);
    begin = comma + 1;
  }
  return result;
}

std::string size_text(std::size_t bytes) {
  constexpr std::string_view units[]{"", "K", "M", "G"};
  std::size_t unit = 0;
  while (bytes >= 1024 && bytes % 1024 == 0 && unit < 3) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{}{}", bytes, units[unit]);
}

} // namespace troupe::cli
