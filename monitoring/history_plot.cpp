#include "monitoring/history_plot.hpp"

#include <fmt/format.h>

#include "monitoring/plot_page.hpp"
#include "monitoring/plot_panel.hpp"
#include "monitoring/wording.hpp"

namespace troupe::monitoring {

namespace {

constexpr std::string_view light = R"(.fine{stroke-width:1.25}
.area{stroke:none;fill-opacity:.1}
.accuracy.line,.accuracy.ring{stroke:#0969da}
.accuracy.area,.accuracy.dot{fill:#0969da}
.loss.line,.loss.ring{stroke:#bc4c00}
.loss.area,.loss.dot{fill:#bc4c00}
)";

constexpr std::string_view dark =
    R"(.accuracy.line,.accuracy.ring{stroke:#58a6ff}
.accuracy.area,.accuracy.dot{fill:#58a6ff}
.loss.line,.loss.ring{stroke:#f0883e}
.loss.area,.loss.dot{fill:#f0883e}
)";

plot_panel accuracy_panel(const std::string& by) {
  return {"accuracy", "accuracy", by, {68, 104, 350, 210}, 0.0, 1.0, true};
}
plot_panel loss_panel(const std::string& by) {
  return {"loss", "loss", by, {508, 104, 350, 210}, 0.0, 1e300, false};
}

std::string subtitle(
    const std::vector<history_row>& rows, const std::string& version) {
  if (rows.empty())
    return fmt::format("no {} was evaluated", version);
  return fmt::format("{} {} after {}, {}", version,
      grouped(rows.back().version), clock(rows.back().seconds),
      counted(rows.size(), "evaluation"));
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

std::string history_plot(const std::string& title,
    const std::vector<history_row>& rows, const std::string& version) {
  const auto subject = "accuracy and loss by " + version;
  const plot_page page{.title = title,
      .subject = subject,
      .subtitle = subtitle(rows, version),
      .styles = light,
      .dark_styles = dark};
  return page.around(
      accuracy_panel(version).draw(curve(rows, &history_row::accuracy)) +
      loss_panel(version).draw(curve(rows, &history_row::loss)));
}

} // namespace troupe::monitoring
