#pragma once

#include <optional>
#include <vector>

#include "monitoring/ticks.hpp"

namespace troupe::monitoring {

struct plot_point {
  double x = 0.0;
  double y = 0.0; ///< a value that is not finite makes a gap
};

/// Whether a point has a place on a plot; differences of larger values
/// overflow.
bool drawable(const plot_point& point) noexcept;

struct plot_range {
  double low = 0.0;
  double high = 1.0;

  double share(double value) const { return (value - low) / (high - low); }
  /// As wide as it has to be to hold `value`, too.
  plot_range with(double value) const;
};

/// An axis and the marks on it.
struct plot_axis {
  plot_range of;
  ticks marks;
};

/// Of values that may all be one; not below zero unless they are, since there
/// is no version -1. Marks are no finer than `finest`.
plot_axis x_axis_over(plot_range values, double finest);

/// From mark to mark, so that a grid line closes the panel; never below `floor`
/// nor above `ceiling` unless values are.
plot_axis y_axis_over(plot_range values, double floor, double ceiling);

/// Of the points' values; none where no point can be drawn.
std::optional<plot_range> drawn_values(const std::vector<plot_point>& points);

/// The points of a curve between its gaps, piece by piece.
std::vector<std::vector<plot_point>> pieces(
    const std::vector<plot_point>& points);

/// The points that make a difference on `columns` columns of a screen: first,
/// last, lowest and highest of each column, in order; gaps stay.
std::vector<plot_point> thinned(
    const std::vector<plot_point>& points, std::size_t columns);

} // namespace troupe::monitoring
