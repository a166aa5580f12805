#include "monitoring/wording.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace troupe::monitoring {

namespace {

bool starts_code_point(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

// Bytes of the code point that begins here; 0: none does (RFC 3629).
std::size_t size_of_point(std::string_view text, char32_t& point) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xC2 ? 0
                           : first < 0xE0 ? 2
                           : first < 0xF0 ? 3
                           : first < 0xF5 ? 4
                                          : 0;
  if (size == 0 || size > text.size())
    return 0;
  point = size == 1 ? first : first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80U)
      return 0;
    point = point << 6U | (next & 0x3FU);
  }
  const auto least = size == 3 ? 0x800U : size == 4 ? 0x10000U : 0U;
  const auto surrogate = point >= 0xD800 && point < 0xE000;
  return point < least || point > 0x10FFFF || surrogate ? 0 : size;
}

// Of lines, terminals, and the direction in which text runs.
bool is_control(char32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) ||
         (point >= 0x200E && point <= 0x200F) ||
         (point >= 0x2028 && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

} // namespace

std::string grouped(std::uint64_t n) {
  auto digits = fmt::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0;
       at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string rate(double per_second) {
  if (!(per_second < 1e18))
    return "-";
  if (per_second >= 99.95)
    return grouped(static_cast<std::uint64_t>(std::llround(per_second)));
  return fmt::format("{:.{}f}", per_second, per_second < 9.995 ? 2 : 1);
}

// A NaN's sign means nothing.
std::string figure(double value) {
  if (std::isnan(value))
    return "nan";
  return std::abs(value) < 1e5 ? fmt::format("{:.4f}", value)
                               : fmt::format("{:.4g}", value);
}

std::string clock(double seconds) {
  if (!(seconds < 1e9))
    return "--:--";
  const auto s = std::llround(std::max(seconds, 0.0));
  const auto minutes = s / 60;
  const auto hours = minutes / 60;
  if (hours >= 24)
    return fmt::format("{}d {:02}:{:02}", hours / 24, hours % 24, minutes % 60);
  if (hours >= 1)
    return fmt::format("{}:{:02}:{:02}", hours, minutes % 60, s % 60);
  return fmt::format("{:02}:{:02}", minutes, s % 60);
}

std::string counted(std::uint64_t n, std::string_view one) {
  return fmt::format("{} {}{}", grouped(n), one, n == 1 ? "" : "s");
}

std::string one_line(std::string_view text) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  std::string result;
  while (!text.empty()) {
    char32_t point = 0;
    const auto size = size_of_point(text, point);
    if (size == 0)
      result += replacement;
    else if (is_control(point))
      result += ' ';
    else
      result += text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return result;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), starts_code_point));
}

std::string clipped(std::string_view text, std::size_t most) {
  std::size_t taken = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (starts_code_point(text[i]) && taken++ == most)
      return std::string{text.substr(0, i)};
  return std::string{text};
}

} // namespace troupe::monitoring
