#include "monitoring/plot_panel.hpp"

#include <algorithm>

#include "monitoring/wording.hpp"

namespace troupe::monitoring {

namespace {

using points = std::vector<plot_point>;

constexpr std::size_t most_dots = 60;

plot_range versions_of(const points& all) {
  return all.empty() ? plot_range{} : plot_range{all.front().x, all.back().x};
}

/// Draws the pieces of one panel's curve.
class curve_pen : public plot_pen {
public:
  curve_pen(const plot_panel& panel, const points& all)
      : plot_pen(panel.box, x_axis_over(versions_of(all), 1.0),
            y_axis_over(drawn_values(all).value_or(plot_range{}), panel.floor,
                panel.ceiling)),
        panel_(panel) {}

  void frame(bool marks) {
    heading(panel_.heading);
    add("<circle class=\"{} dot\" cx=\"{:.0f}\" cy=\"{:.0f}\" r=\"4\"/>\n",
        panel_.name, box().left - 10, box().top - 20.5);
    axes(panel_.below, marks);
  }

  void curve(const points& all) {
    const auto* fine = all.size() > most_dots ? " fine" : "";
    for (const auto& each : pieces(all))
      piece(each, fine);
  }

  void dots(const points& all) {
    for (const auto& p : all)
      if (drawable(p))
        add("<circle class=\"{} dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\">"
            "<title>{} {}: {}</title></circle>\n",
            panel_.name, x(p.x), y(p.y), panel_.below, p.x, figure(p.y));
  }

  void mark(const plot_point& p, std::string_view shape) {
    circle(fmt::format("{} {}", panel_.name, shape), p, "4");
  }

  /// What the curve has come to, where it cannot hide it.
  void result(const plot_point& last, const plot_point& best) {
    std::string rest = " best";
    if (&last != &best)
      rest = fmt::format(" best {} at {}", figure(best.y), best.x);
    add("<text class=\"mark\" x=\"{:.0f}\" y=\"{:.0f}\" "
        "text-anchor=\"end\"><tspan class=\"head\">{}</tspan>{}</text>\n",
        box().right(), box().top - 16, figure(last.y), rest);
  }

private:
  /// With a breath of colour under it.
  void piece(const points& all, std::string_view fine) {
    const auto line = path(all);
    if (all.size() > 1)
      add("<path class=\"{} area\" d=\"{}V{:.1f}H{:.1f}Z\"/>\n", panel_.name,
          line, box().bottom(), x(all.front().x));
    add("<path class=\"{} line{}\" d=\"{}{}\"/>\n", panel_.name, fine, line,
        all.size() > 1 ? "" : "h0");
  }

  const plot_panel& panel_;
};

/// The first of the best, as the summary has it.
const plot_point* best_of(const points& all, bool high_is_best) {
  const plot_point* best = nullptr;
  for (const auto& p : all)
    if (drawable(p) &&
        (!best || (high_is_best ? p.y > best->y : p.y < best->y)))
      best = &p;
  return best;
}

const plot_point* last_of(const points& all) {
  const auto found = std::find_if(all.rbegin(), all.rend(), drawable);
  return found == all.rend() ? nullptr : &*found;
}

} // namespace

std::string plot_panel::draw(const std::vector<plot_point>& all) const {
  curve_pen out{*this, all};
  const auto* last = last_of(all);
  out.frame(last != nullptr);
  if (!last) {
    out.say("no value to draw");
    return out.take();
  }
  out.curve(thinned(all, static_cast<std::size_t>(box.width)));
  if (all.size() <= most_dots)
    out.dots(all);
  const auto* best = best_of(all, high_is_best);
  out.mark(*last, "dot");
  out.mark(*best, "ring");
  out.result(*last, *best);
  return out.take();
}

} // namespace troupe::monitoring
