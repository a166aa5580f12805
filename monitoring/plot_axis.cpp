#include "monitoring/plot_axis.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace troupe::monitoring {

namespace {

using points = std::vector<plot_point>;

/// A range of some extent around values that may all be one.
plot_range widened(plot_range r, double least) {
  const auto size = std::max(std::abs(r.low), std::abs(r.high));
  if (r.high - r.low > 1e-9 * size)
    return r;
  const auto margin = std::max(0.1 * size, least);
  return {r.low - margin, r.high + margin};
}

void keep_column(
    points::const_iterator begin, points::const_iterator end, points& kept) {
  auto lower = [](const plot_point& a, const plot_point& b) {
    return a.y < b.y;
  };
  const auto [lowest, highest] = std::minmax_element(begin, end, lower);
  std::array chosen{begin, lowest, highest, end - 1};
  std::sort(chosen.begin(), chosen.end());
  const auto* last = std::unique(chosen.begin(), chosen.end());
  for (const auto* each = chosen.begin(); each != last; ++each)
    kept.push_back(**each);
}

} // namespace

bool drawable(const plot_point& point) noexcept {
  return std::abs(point.y) < 1e300;
}

plot_range plot_range::with(double value) const {
  return {std::min(low, value), std::max(high, value)};
}

plot_axis x_axis_over(plot_range values, double finest) {
  auto of = widened(values, 1.0);
  if (values.low >= 0.0)
    of.low = std::max(of.low, 0.0);
  return {of, ticks::over(of.low, of.high, 6, finest)};
}

plot_axis y_axis_over(plot_range values, double floor, double ceiling) {
  auto of = widened(values, 0.01);
  const auto step = ticks::over(of.low, of.high, 5).step;
  of.low = std::floor(of.low / step) * step;
  of.high = std::ceil(of.high / step) * step;
  of.low = std::max(of.low, std::min(floor, values.low));
  of.high = std::min(of.high, std::max(ceiling, values.high));
  return {of, ticks::every(step, of.low, of.high)};
}

std::optional<plot_range> drawn_values(const points& all) {
  std::optional<plot_range> found;
  for (const auto& p : all)
    if (drawable(p))
      found = found.value_or(plot_range{p.y, p.y}).with(p.y);
  return found;
}

std::vector<points> pieces(const points& all) {
  std::vector<points> found;
  auto begin = all.begin();
  while ((begin = std::find_if(begin, all.end(), drawable)) != all.end()) {
    const auto end = std::find_if_not(begin, all.end(), drawable);
    found.emplace_back(begin, end);
    begin = end;
  }
  return found;
}

points thinned(const points& all, std::size_t columns) {
  if (all.size() <= 4 * columns)
    return all;
  const auto x = x_axis_over({all.front().x, all.back().x}, 1.0).of;
  auto column = [&](const plot_point& p) {
    return std::floor(x.share(p.x) * static_cast<double>(columns));
  };
  points kept;
  for (auto begin = all.begin(); begin != all.end();) {
    const auto end = std::find_if(begin + 1, all.end(), [&](const auto& p) {
      return column(p) != column(*begin) || drawable(p) != drawable(*begin);
    });
    if (drawable(*begin))
      keep_column(begin, end, kept);
    else
      kept.push_back(*begin);
    begin = end;
  }
  return kept;
}

} // namespace troupe::monitoring
