#include "monitoring/plot_pen.hpp"

namespace troupe::monitoring {

plot_pen::plot_pen(const plot_box& box, plot_axis x, plot_axis y)
    : box_(box), x_(std::move(x)), y_(std::move(y)) {}

double plot_pen::x(double value) const {
  return box_.left + box_.width * x_.of.share(value);
}

double plot_pen::y(double value) const {
  return box_.bottom() - box_.height * y_.of.share(value);
}

void plot_pen::heading(std::string_view text) {
  add("<text class=\"head\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n", box_.left,
      box_.top - 16, text);
}

void plot_pen::axes(std::string_view below, bool marks) {
  if (marks)
    y_marks();
  add("<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", box_.left,
      box_.bottom(), box_.right());
  if (marks)
    x_marks();
  add("<text class=\"mark\" x=\"{:.0f}\" y=\"{:.0f}\" "
      "text-anchor=\"middle\">{}</text>\n",
      box_.left + box_.width / 2, box_.bottom() + 40, below);
}

void plot_pen::say(std::string_view text) {
  add("<text class=\"mark\" x=\"{:.0f}\" y=\"{:.0f}\" "
      "text-anchor=\"middle\">{}</text>\n",
      box_.left + box_.width / 2, box_.top + box_.height / 2, text);
}

void plot_pen::circle(
    std::string_view classes, const plot_point& at, std::string_view radius) {
  add("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"/>\n", classes,
      x(at.x), y(at.y), radius);
}

std::string plot_pen::path(const std::vector<plot_point>& points) const {
  std::string line;
  for (const auto& p : points)
    fmt::format_to(std::back_inserter(line), "{}{:.1f} {:.1f}",
        line.empty() ? 'M' : 'L', x(p.x), y(p.y));
  return line;
}

void plot_pen::y_marks() {
  for (double value : y_.marks.at) {
    const auto at = y(value);
    add("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", box_.left, at,
        box_.right());
    add("<text class=\"mark\" x=\"{:.1f}\" y=\"{:.1f}\" "
        "text-anchor=\"end\">{}</text>\n",
        box_.left - 8, at + 4, y_.marks.label(value));
  }
}

void plot_pen::x_marks() {
  for (double value : x_.marks.at) {
    const auto at = x(value);
    add("<path class=\"axis\" d=\"M{:.1f} {:.1f}v4\"/>\n", at, box_.bottom());
    add("<text class=\"mark\" x=\"{:.1f}\" y=\"{:.1f}\" "
        "text-anchor=\"middle\">{}</text>\n",
        at, box_.bottom() + 19, x_.marks.label(value));
  }
}

} // namespace troupe::monitoring
