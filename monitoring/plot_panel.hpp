#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "monitoring/plot_axis.hpp"
#include "monitoring/plot_pen.hpp"

namespace troupe::monitoring {

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

} // namespace troupe::monitoring
