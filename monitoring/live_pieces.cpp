#include "monitoring/live_pieces.hpp"

#include <algorithm>
#include <string_view>

#include "monitoring/wording.hpp"

namespace troupe::monitoring {

namespace {

constexpr std::string_view gap = "  ";

// A bar that grew and shrank with every figure beside it would be restless.
constexpr std::size_t bar_step = 6;
constexpr std::size_t narrowest_bar = 12;
constexpr std::size_t widest_bar = 42;

std::size_t columns_of(const std::vector<live_piece>& pieces) {
  std::size_t sum = 0;
  for (const auto& p : pieces)
    sum += columns(p.text) + gap.size();
  return sum == 0 ? 0 : sum - gap.size();
}

void drop_until_it_fits(std::vector<live_piece>& pieces, std::size_t width) {
  while (pieces.size() > 1 && columns_of(pieces) > width)
    pieces.erase(std::min_element(pieces.begin(), pieces.end(),
        [](const auto& a, const auto& b) { return a.matters < b.matters; }));
}

std::string joined(const std::vector<live_piece>& pieces) {
  std::string result;
  for (const auto& p : pieces) {
    if (!result.empty())
      result += gap;
    result += p.text;
  }
  return result;
}

std::string bar(double part, std::size_t width) {
  const auto cells = width - 2;
  const auto full = std::min(
      cells, static_cast<std::size_t>(part * static_cast<double>(cells)));
  std::string inside(full, '=');
  if (full < cells)
    inside += '>';
  inside.resize(cells, ' ');
  return "[" + inside + "]";
}

} // namespace

std::string laid_out(
    std::vector<live_piece> pieces, double part, std::size_t width) {
  const auto first = pieces.front().matters;
  drop_until_it_fits(pieces, width);
  const auto used = columns_of(pieces) + gap.size();
  if (pieces.front().matters == first && width >= used + narrowest_bar) {
    const auto most = std::min(width - used, widest_bar);
    pieces.insert(pieces.begin() + 1, {bar(part, most - most % bar_step), 0});
  }
  return clipped(joined(pieces), width);
}

} // namespace troupe::monitoring
