#pragma once

#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "monitoring/plot_axis.hpp"

namespace troupe::monitoring {

/// Where a panel's axes stand, in SVG user units.
struct plot_box {
  double left = 0.0;
  double top = 0.0;
  double width = 0.0;
  double height = 0.0;

  double right() const noexcept { return left + width; }
  double bottom() const noexcept { return top + height; }
};

/// Draws one panel, piece by piece, as SVG elements of the classes that a
/// `plot_page` styles: head, mark, grid and axis. Those of its curves are up to
/// whoever holds it.
class plot_pen {
public:
  plot_pen(const plot_box& box, plot_axis x, plot_axis y);

  double x(double value) const;
  double y(double value) const;
  const plot_box& box() const noexcept { return box_; }

  /// The words above the panel, on its left.
  void heading(std::string_view text);
  /// Both axes; with `marks`, what stands where on them.
  void axes(std::string_view below, bool marks);
  /// A word in the middle of a panel that has nothing else to show.
  void say(std::string_view text);
  void circle(
      std::string_view classes, const plot_point& at, std::string_view radius);
  /// A path's data through `points`, without gaps.
  std::string path(const std::vector<plot_point>& points) const;

  template <class... Ts>
  void add(fmt::format_string<Ts...> format, Ts&&... values) {
    fmt::format_to(
        std::back_inserter(out_), format, std::forward<Ts>(values)...);
  }

  std::string take() { return std::move(out_); }

private:
  void y_marks();
  void x_marks();

  plot_box box_;
  plot_axis x_;
  plot_axis y_;
  std::string out_;
};

} // namespace troupe::monitoring
