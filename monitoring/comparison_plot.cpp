#include "monitoring/comparison_plot.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "monitoring/plot_page.hpp"
#include "monitoring/plot_pen.hpp"
#include "monitoring/wording.hpp"

namespace troupe::monitoring {

namespace {

// Okabe and Ito's colours, but for the yellow, that no paper shows.
constexpr std::string_view light =
    R"(.c0.line,.c0.ring{stroke:#0072b2}.c0.dot{fill:#0072b2}
.c1.line,.c1.ring{stroke:#d55e00}.c1.dot{fill:#d55e00}
.c2.line,.c2.ring{stroke:#009e73}.c2.dot{fill:#009e73}
.c3.line,.c3.ring{stroke:#cc79a7}.c3.dot{fill:#cc79a7}
.c4.line,.c4.ring{stroke:#e69f00}.c4.dot{fill:#e69f00}
.c5.line,.c5.ring{stroke:#56b4e9}.c5.dot{fill:#56b4e9}
.c6.line,.c6.ring{stroke:#1f2328}.c6.dot{fill:#1f2328}
.d1,.d2,.d3{stroke-linecap:butt}
.d1{stroke-dasharray:8 4}.d2{stroke-dasharray:2.5 3}.d3{stroke-dasharray:10 3 2.5 3}
.target{stroke:#59636e;stroke-dasharray:1 3}
)";

constexpr std::string_view dark =
    R"(.c0.line,.c0.ring{stroke:#2f93d1}.c0.dot{fill:#2f93d1}
.c6.line,.c6.ring{stroke:#e6edf3}.c6.dot{fill:#e6edf3}
.target{stroke:#9198a1}
)";

constexpr std::string_view signature =
    "<metadata>a comparison of runs by Troupe</metadata>\n";
constexpr std::size_t colours = 7;
constexpr std::size_t dashes = 4;
constexpr plot_box left_box{68, 104, 350, 230};
constexpr plot_box right_box{508, 104, 350, 230};
constexpr int legend_top = 408;
constexpr int legend_step = 22;

struct unit {
  double seconds;
  std::string_view name;
};

unit unit_of(double longest) {
  if (longest >= 2 * 3600.0)
    return {3600.0, "hours of training"};
  if (longest >= 5 * 60.0)
    return {60.0, "minutes of training"};
  return {1.0, "seconds of training"};
}

std::string colour_of(std::size_t run) {
  return fmt::format("c{}", run % colours);
}

/// One of the two panels, with a curve a run.
class curves_pen : public plot_pen {
public:
  using curves = std::vector<std::vector<plot_point>>;

  static curves_pen around(const plot_box& box, const curves& all,
      std::optional<double> target, double finest) {
    plot_range x{0.0, 0.0};
    std::optional<plot_range> y;
    for (const auto& each : all) {
      for (const auto& p : each)
        x = x.with(p.x);
      if (auto drawn = drawn_values(each))
        y = y.value_or(*drawn).with(drawn->low).with(drawn->high);
    }
    if (y && target)
      y = y->with(*target);
    return {box, x_axis_over(x, finest),
        y_axis_over(y.value_or(plot_range{}), 0.0, 1.0), y.has_value(), target};
  }

  std::string draw(
      const curves& all, std::string_view head, std::string_view below) {
    heading(head);
    axes(below, some_);
    if (!some_)
      say("no value to draw");
    if (some_ && target_)
      aim();
    for (std::size_t i = 0; some_ && i < all.size(); ++i)
      line(all[i], i);
    for (std::size_t i = 0; some_ && i < all.size(); ++i)
      points_of(all[i], i);
    return take();
  }

private:
  curves_pen(const plot_box& box, plot_axis x, plot_axis y, bool some,
      std::optional<double> target)
      : plot_pen(box, std::move(x), std::move(y)),
        some_(some),
        target_(target) {}

  void aim() {
    add("<path class=\"target\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", box().left,
        y(*target_), box().right());
    add("<text class=\"mark\" x=\"{:.0f}\" y=\"{:.0f}\" "
        "text-anchor=\"end\">target {}</text>\n",
        box().right(), box().top - 16, figure(*target_));
  }

  void line(const std::vector<plot_point>& all, std::size_t run) {
    for (const auto& each :
        pieces(thinned(all, static_cast<std::size_t>(box().width))))
      add("<path class=\"{} line d{}\" d=\"{}{}\"/>\n", colour_of(run),
          run % dashes, path(each), each.size() > 1 ? "" : "h0");
  }

  void points_of(const std::vector<plot_point>& all, std::size_t run) {
    const auto first = std::find_if(all.begin(), all.end(),
        [this](const auto& p) { return target_ && p.y >= *target_; });
    if (first != all.end())
      circle(colour_of(run) + " ring", *first, "4");
    const auto last = std::find_if(all.rbegin(), all.rend(), drawable);
    if (last != all.rend())
      circle(colour_of(run) + " dot", *last, "3.5");
  }

  bool some_;
  std::optional<double> target_;
};

template <class X>
curves_pen::curves curves_over(const std::vector<compared_curve>& runs, X&& x) {
  curves_pen::curves result;
  for (const auto& run : runs) {
    auto& points = result.emplace_back();
    for (const auto& row : run.rows)
      points.push_back({x(row), row.accuracy});
  }
  return result;
}

std::string by_version(
    const std::vector<compared_curve>& runs, std::optional<double> target) {
  const auto all = curves_over(
      runs, [](const auto& row) { return static_cast<double>(row.version); });
  return curves_pen::around(left_box, all, target, 1.0)
      .draw(all, "accuracy by version", "version");
}

// Seconds on a virtual clock say nothing beside those of a wall's.
bool on_virtual_clocks(const std::vector<compared_curve>& runs) {
  auto any = false;
  for (const auto& run : runs)
    for (const auto& row : run.rows) {
      any = true;
      if (!(row.clock > 0.0))
        return false;
    }
  return any;
}

std::string by_time(
    const std::vector<compared_curve>& runs, std::optional<double> target) {
  const auto is_virtual = on_virtual_clocks(runs);
  const auto time = is_virtual ? &history_row::clock : &history_row::seconds;
  auto longest = 0.0;
  for (const auto& run : runs)
    for (const auto& row : run.rows)
      longest = std::max(longest, row.*time);
  const auto in = unit_of(longest);
  const auto all = curves_over(
      runs, [&](const auto& row) { return row.*time / in.seconds; });
  return curves_pen::around(right_box, all, target, 0.0)
      .draw(all, is_virtual ? "accuracy by virtual time" : "accuracy by time",
          in.name);
}

std::string legend(const std::vector<compared_curve>& runs) {
  std::string text;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto at = legend_top + legend_step * static_cast<int>(i);
    text +=
        fmt::format("<path class=\"{0} line d{1}\" d=\"M{2:.0f} {3}h44\"/>\n"
                    "<text class=\"mark\" x=\"{4:.0f}\" y=\"{5}\"><tspan "
                    "class=\"head\">{6}</tspan> {7}</text>\n",
            colour_of(i), i % dashes, left_box.left, at, left_box.left + 54,
            at + 4, xml_text(clipped(runs[i].name, 60)),
            xml_text(clipped(runs[i].note, 80)));
  }
  return text;
}

} // namespace

std::string comparison_plot(
    const std::vector<compared_curve>& runs, std::optional<double> target) {
  const plot_page page{.title = counted(runs.size(), "run"),
      .subject = "accuracy by version and by time",
      .subtitle = target ? "accuracy on the test set, 0 to 1; a ring where a "
                           "run first reaches the target, a dot where it ends"
                         : "accuracy on the test set, 0 to 1; a dot where a "
                           "run ends",
      .height = legend_top + legend_step * static_cast<int>(runs.size()),
      .styles = light,
      .dark_styles = dark};
  return page.around(fmt::format("{}{}{}{}", signature,
      by_version(runs, target), by_time(runs, target), legend(runs)));
}

bool is_comparison_plot(std::string_view text) {
  return text.starts_with("<svg ") &&
         text.find(signature) != std::string_view::npos;
}

} // namespace troupe::monitoring
