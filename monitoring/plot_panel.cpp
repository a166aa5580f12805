#include "monitoring/plot_panel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "monitoring/ticks.hpp"
#include "monitoring/wording.hpp"

namespace troupe::monitoring {

namespace {

using points = std::vector<plot_point>;

constexpr std::size_t most_dots = 60;

// Beyond this, differences of values overflow.
bool drawable(const plot_point& p) {
  return std::abs(p.y) < 1e300;
}

struct range {
  double low = 0.0;
  double high = 1.0;

  double share(double value) const { return (value - low) / (high - low); }
};

/// A range of some extent around values that may all be one.
range widened(range r, double least) {
  const auto size = std::max(std::abs(r.low), std::abs(r.high));
  if (r.high - r.low > 1e-9 * size)
    return r;
  const auto margin = std::max(0.1 * size, least);
  return {r.low - margin, r.high + margin};
}

struct axis {
  range of;
  ticks marks;
};

axis x_axis_of(const points& all) {
  range of;
  if (!all.empty())
    of = widened({all.front().x, all.back().x}, 1.0);
  if (!all.empty() && all.front().x >= 0.0)
    of.low = std::max(of.low, 0.0); // there is no version -1
  return {of, ticks::over(of.low, of.high, 6, 1.0)};
}

std::optional<range> drawn_values(const points& all) {
  std::optional<range> found;
  for (const auto& p : all) {
    if (!drawable(p))
      continue;
    if (!found)
      found = range{p.y, p.y};
    found->low = std::min(found->low, p.y);
    found->high = std::max(found->high, p.y);
  }
  return found;
}

/// From mark to mark, so that a grid line closes the panel.
axis y_axis_of(const points& all, double floor, double ceiling) {
  const auto values = drawn_values(all).value_or(range{});
  auto of = widened(values, 0.01);
  const auto step = ticks::over(of.low, of.high, 5).step;
  of.low = std::floor(of.low / step) * step;
  of.high = std::ceil(of.high / step) * step;
  of.low = std::max(of.low, std::min(floor, values.low));
  of.high = std::min(of.high, std::max(ceiling, values.high));
  return {of, ticks::every(step, of.low, of.high)};
}

/// Draws one panel's pieces once ranges are known.
class pen {
public:
  pen(const plot_panel& panel, const points& all)
      : panel_(panel),
        box_(panel.box),
        x_(x_axis_of(all)),
        y_(y_axis_of(all, panel.floor, panel.ceiling)) {}

  std::string take() { return std::move(out_); }

  void axes(bool values) {
    add("<text class=\"head\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n", box_.left,
        box_.top - 16, panel_.heading);
    add("<circle class=\"{} dot\" cx=\"{:.0f}\" cy=\"{:.0f}\" r=\"4\"/>\n",
        panel_.name, box_.left - 10, box_.top - 20.5);
    if (values)
      y_axis();
    add("<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", box_.left,
        box_.bottom(), box_.right());
    if (values)
      x_axis();
    add("<text class=\"mark\" x=\"{:.0f}\" y=\"{:.0f}\" "
        "text-anchor=\"middle\">{}</text>\n",
        box_.left + box_.width / 2, box_.bottom() + 40, panel_.below);
  }

  void say(std::string_view text) {
    add("<text class=\"mark\" x=\"{:.0f}\" y=\"{:.0f}\" "
        "text-anchor=\"middle\">{}</text>\n",
        box_.left + box_.width / 2, box_.top + box_.height / 2, text);
  }

  void curve(const points& all) {
    fine_ = all.size() > most_dots ? " fine" : "";
    auto begin = all.begin();
    while ((begin = std::find_if(begin, all.end(), drawable)) != all.end()) {
      const auto end = std::find_if_not(begin, all.end(), drawable);
      stretch({begin, end});
      begin = end;
    }
  }

  void dots(const points& all) {
    for (const auto& p : all)
      if (drawable(p))
        add("<circle class=\"{} dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\">"
            "<title>{} {}: {}</title></circle>\n",
            panel_.name, x(p), y(p), panel_.below, p.x, figure(p.y));
  }

  void mark(const plot_point& p, std::string_view shape) {
    add("<circle class=\"{} {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"/>\n",
        panel_.name, shape, x(p), y(p));
  }

  /// What the curve has come to, where it cannot hide it.
  void result(const plot_point& last, const plot_point& best) {
    std::string rest = " best";
    if (&last != &best)
      rest = fmt::format(" best {} at {}", figure(best.y), best.x);
    add("<text class=\"mark\" x=\"{:.0f}\" y=\"{:.0f}\" "
        "text-anchor=\"end\"><tspan class=\"head\">{}</tspan>{}</text>\n",
        box_.right(), box_.top - 16, figure(last.y), rest);
  }

private:
  double x(const plot_point& p) const {
    return box_.left + box_.width * x_.of.share(p.x);
  }
  double y(const plot_point& p) const {
    return box_.bottom() - box_.height * y_.of.share(p.y);
  }

  template <class... Ts>
  void add(fmt::format_string<Ts...> format, Ts&&... values) {
    fmt::format_to(
        std::back_inserter(out_), format, std::forward<Ts>(values)...);
  }

  void y_axis() {
    for (double value : y_.marks.at) {
      const auto at = y({0.0, value});
      add("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", box_.left, at,
          box_.right());
      add("<text class=\"mark\" x=\"{:.1f}\" y=\"{:.1f}\" "
          "text-anchor=\"end\">{}</text>\n",
          box_.left - 8, at + 4, y_.marks.label(value));
    }
  }

  void x_axis() {
    for (double value : x_.marks.at) {
      const auto at = x({value, 0.0});
      add("<path class=\"axis\" d=\"M{:.1f} {:.1f}v4\"/>\n", at, box_.bottom());
      add("<text class=\"mark\" x=\"{:.1f}\" y=\"{:.1f}\" "
          "text-anchor=\"middle\">{}</text>\n",
          at, box_.bottom() + 19, x_.marks.label(value));
    }
  }

  /// A curve without gaps, with a breath of colour under it.
  void stretch(const points& all) {
    std::string line;
    for (const auto& p : all)
      fmt::format_to(std::back_inserter(line), "{}{:.1f} {:.1f}",
          line.empty() ? 'M' : 'L', x(p), y(p));
    if (all.size() > 1)
      add("<path class=\"{} area\" d=\"{}V{:.1f}H{:.1f}Z\"/>\n", panel_.name,
          line, box_.bottom(), x(all.front()));
    add("<path class=\"{} line{}\" d=\"{}{}\"/>\n", panel_.name, fine_, line,
        all.size() > 1 ? "" : "h0");
  }

  const plot_panel& panel_;
  plot_box box_;
  axis x_;
  axis y_;
  std::string_view fine_;
  std::string out_;
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

std::vector<plot_point> thinned(
    const std::vector<plot_point>& all, std::size_t columns) {
  if (all.size() <= 4 * columns)
    return all;
  const auto x = x_axis_of(all).of;
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

std::string plot_panel::draw(const std::vector<plot_point>& all) const {
  pen out{*this, all};
  const auto* last = last_of(all);
  out.axes(last != nullptr);
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
