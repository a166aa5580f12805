#include "monitoring/wording.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace troupe::monitoring {

namespace {

bool starts_code_point(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
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
  std::string result{text};
  std::replace_if(
      result.begin(), result.end(),
      [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
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
