#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troupe::monitoring {

struct plot_point {
  double x = 0.0;
  double y = 0.0; ///< a value that is not finite makes a gap
};

/// Where a panel's axes stand, in SVG user units.
struct plot_box {
  double left = 0.0;
  double top = 0.0;
  double width = 0.0;
  double height = 0.0;

  double right() const noexcept { return left + width; }
  double bottom() const noexcept { return top + height; }
};

/// One curve with its axes, its last value as a dot and its best one in a ring,
/// as SVG elements. The document around it styles their classes: `name` with
/// line (or line fine), area, dot and ring; grid, axis, head and mark.
struct plot_panel {
  std::string_view name; ///< of the curve's class
  std::string_view heading;
  std::string_view below; ///< what the x axis shows
  plot_box box;
  double floor = 0.0;   ///< the y axis never reaches below,
  double ceiling = 0.0; ///< nor above
  bool high_is_best = true;

  std::string draw(const std::vector<plot_point>& points) const;
};

/// The points that make a difference on `columns` columns of a screen: first,
/// last, lowest and highest of each column, in order; gaps stay.
std::vector<plot_point> thinned(
    const std::vector<plot_point>& points, std::size_t columns);

} // namespace troupe::monitoring
