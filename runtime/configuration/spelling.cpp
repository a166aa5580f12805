#include "runtime/configuration/spelling.hpp"

#include <algorithm>
#include <vector>

namespace troupe {

namespace {

// A longer word is no slip of the pen, and the distance is quadratic.
constexpr std::size_t longest = 64;

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

std::size_t typing_distance(std::string_view a, std::string_view b) {
  auto width = b.size() + 1;
  std::vector<std::size_t> before(width);
  std::vector<std::size_t> above(width);
  std::vector<std::size_t> row(width);
  for (std::size_t j = 0; j < width; ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j < width; ++j) {
      auto same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min(
          {above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

std::string_view nearest(
    std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > longest)
    return {};
  std::string_view best;
  auto least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (auto candidate : candidates) {
    auto distance = typing_distance(word, candidate);
    if (distance < least && distance < candidate.size()) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(
    std::string_view word, std::span<const std::string_view> candidates) {
  auto found = nearest(word, candidates);
  if (found.empty())
    return {};
  return " (did you mean " + std::string{found} + "?)";
}

} // namespace troupe
