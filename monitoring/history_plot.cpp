#include "monitoring/history_plot.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "monitoring/plot_panel.hpp"
#include "monitoring/wording.hpp"

namespace troupe::monitoring {

namespace {

constexpr std::string_view style = R"(<style>
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
.page{fill:#fff;stroke:#d0d7de}
.title{fill:#1f2328;font-size:18px;font-weight:600}
.head{fill:#1f2328;font-size:13px;font-weight:600}
.mark{fill:#59636e;font-size:11.5px}
.grid{stroke:#e4e8ec}
.axis{stroke:#8c959f}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.fine{stroke-width:1.25}
.area{stroke:none;fill-opacity:.1}
.ring{fill:#fff;stroke-width:2}
.accuracy.line,.accuracy.ring{stroke:#0969da}
.accuracy.area,.accuracy.dot{fill:#0969da}
.loss.line,.loss.ring{stroke:#bc4c00}
.loss.area,.loss.dot{fill:#bc4c00}
@media(prefers-color-scheme:dark){
.page{fill:#0d1117;stroke:#30363d}
.title,.head{fill:#e6edf3}
.mark{fill:#9198a1}
.grid{stroke:#21262d}
.axis{stroke:#6e7681}
.ring{fill:#0d1117}
.accuracy.line,.accuracy.ring{stroke:#58a6ff}
.accuracy.area,.accuracy.dot{fill:#58a6ff}
.loss.line,.loss.ring{stroke:#f0883e}
.loss.area,.loss.dot{fill:#f0883e}
}
</style>
)";

constexpr plot_panel accuracy_panel{
    "accuracy", "accuracy", "version", {68, 104, 350, 210}, 0.0, 1.0, true};
constexpr plot_panel loss_panel{
    "loss", "loss", "version", {508, 104, 350, 210}, 0.0, 1e300, false};

std::string escaped(std::string_view text) {
  std::string result;
  for (char c : text)
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    default:
      result += c;
    }
  return result;
}

std::string subtitle(const std::vector<history_row>& rows) {
  if (rows.empty())
    return "no version was evaluated";
  return fmt::format("version {} after {}, {}", grouped(rows.back().version),
      clock(rows.back().seconds), counted(rows.size(), "evaluation"));
}

std::vector<plot_point> curve(
    const std::vector<history_row>& rows, double history_row::*value) {
  std::vector<plot_point> result;
  result.reserve(rows.size());
  for (const auto& row : rows)
    result.push_back({static_cast<double>(row.version), row.*value});
  return result;
}

} // namespace

std::string history_plot(
    const std::string& title, const std::vector<history_row>& rows) {
  const auto name = escaped(one_line(title));
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 880 376\" "
      "width=\"880\" height=\"376\" role=\"img\">\n"
      "<title>{0}: accuracy and loss by version</title>\n"
      "{1}"
      "<rect class=\"page\" x=\".5\" y=\".5\" width=\"879\" height=\"375\" "
      "rx=\"8\"/>\n"
      "<text class=\"title\" x=\"24\" y=\"36\">{0}</text>\n"
      "<text class=\"mark\" x=\"24\" y=\"56\">{2}</text>\n"
      "{3}{4}</svg>\n",
      name, style, subtitle(rows),
      accuracy_panel.draw(curve(rows, &history_row::accuracy)),
      loss_panel.draw(curve(rows, &history_row::loss)));
}

} // namespace troupe::monitoring
