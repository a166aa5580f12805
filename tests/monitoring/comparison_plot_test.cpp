#include "monitoring/comparison_plot.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitoring/history_plot.hpp"
#include "tests/monitoring/xml.hpp"

namespace troupe::monitoring {

namespace {

using testing::HasSubstr;
using testing::Not;

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t result = 0;
  for (auto at = text.find(what); at != std::string::npos;
       at = text.find(what, at + 1))
    ++result;
  return result;
}

compared_curve curve(
    const std::string& name, std::size_t rows, double seconds = 1.0) {
  compared_curve result{name, "fedavg", {}};
  for (std::size_t i = 1; i <= rows; ++i)
    result.rows.push_back({i, seconds * static_cast<double>(i), 0.5,
        0.1 * static_cast<double>(i)});
  return result;
}

TEST(comparison_plot_test, is_one_document_that_needs_no_other) {
  const auto svg = comparison_plot({curve("a", 6), curve("b", 4)}, 0.35);

  EXPECT_EQ(xml_fault(svg), "");
  for (const auto* link : {"<script", "href", "url(", "@import", "@font-face"})
    EXPECT_THAT(svg, Not(HasSubstr(link)));
  EXPECT_THAT(svg, HasSubstr("@media(prefers-color-scheme:dark)"));
}

TEST(comparison_plot_test, has_a_line_a_run_in_each_panel_and_in_the_legend) {
  const auto svg = comparison_plot({curve("a", 6), curve("b", 4)});

  EXPECT_EQ(count(svg, "class=\"c0 line d0\""), 3u);
  EXPECT_EQ(count(svg, "class=\"c1 line d1\""), 3u);
  EXPECT_THAT(svg, HasSubstr("<tspan class=\"head\">a</tspan> fedavg<"));
  EXPECT_THAT(svg, HasSubstr("<tspan class=\"head\">b</tspan> fedavg<"));
  EXPECT_THAT(svg, HasSubstr(">version<"));
  EXPECT_THAT(svg, HasSubstr(">seconds of training<"));
}

TEST(comparison_plot_test, rings_where_a_run_first_reaches_the_target) {
  const auto svg = comparison_plot({curve("a", 6), curve("b", 2)}, 0.35);

  EXPECT_EQ(count(svg, "class=\"target\""), 2u);
  EXPECT_EQ(count(svg, ">target 0.3500<"), 2u);
  EXPECT_EQ(count(svg, "\"c0 ring\""), 2u);
  EXPECT_EQ(count(svg, "\"c1 ring\""), 0u);
  EXPECT_EQ(count(svg, "\"c1 dot\""), 2u);
}

TEST(comparison_plot_test, draws_two_equal_runs_as_one_course) {
  const auto svg = comparison_plot({curve("a", 6), curve("b", 6)});
  auto data = [&](const std::string& classes) {
    const auto at = svg.find("<path class=\"" + classes + "\" d=\"");
    const auto from = svg.find(" d=\"", at);
    return svg.substr(from, svg.find('/', from) - from);
  };

  EXPECT_EQ(data("c0 line d0"), data("c1 line d1"));
}

TEST(comparison_plot_test, tells_28_runs_apart) {
  std::vector<compared_curve> many;
  for (int i = 0; i < 28; ++i)
    many.push_back(curve("run " + std::to_string(i), 3));

  const auto svg = comparison_plot(many);

  EXPECT_EQ(xml_fault(svg), "");
  for (int colour = 0; colour < 7; ++colour)
    for (int dashes = 0; dashes < 4; ++dashes)
      EXPECT_EQ(count(svg, "\"c" + std::to_string(colour) + " line d" +
                               std::to_string(dashes) + "\""),
          3u);
}

TEST(comparison_plot_test, measures_long_runs_in_longer_units) {
  EXPECT_THAT(comparison_plot({curve("a", 6, 100.0)}),
      HasSubstr(">minutes of training<"));
  EXPECT_THAT(comparison_plot({curve("a", 6, 10000.0)}),
      HasSubstr(">hours of training<"));
}

TEST(comparison_plot_test, draws_what_was_scored_once_or_never) {
  const auto once = comparison_plot({curve("a", 1), curve("b", 0)}, 0.1);
  const auto never = comparison_plot({curve("a", 0)});

  EXPECT_EQ(xml_fault(once), "");
  EXPECT_EQ(count(once, "no value to draw"), 0u);
  EXPECT_EQ(xml_fault(never), "");
  EXPECT_EQ(count(never, "no value to draw"), 2u);
}

TEST(comparison_plot_test, survives_values_that_are_none) {
  auto lost = curve("a", 4);
  lost.rows[1].accuracy = std::numeric_limits<double>::quiet_NaN();
  lost.rows[3].accuracy = std::numeric_limits<double>::infinity();

  const auto svg = comparison_plot({lost, curve("b", 6)}, 0.2);

  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(comparison_plot_test, escapes_names) {
  const auto svg = comparison_plot({curve("<&\"\n>", 2)});

  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_THAT(svg, HasSubstr("&lt;&amp;&quot; &gt;"));
}

TEST(comparison_plot_test, thins_ten_thousand_rows) {
  EXPECT_LT(
      comparison_plot({curve("a", 10000), curve("b", 10000)}).size(), 200000u);
}

TEST(comparison_plot_test, knows_its_own) {
  EXPECT_TRUE(is_comparison_plot(comparison_plot({curve("a", 2)})));
  EXPECT_FALSE(is_comparison_plot(history_plot("a", curve("a", 2).rows)));
  EXPECT_FALSE(is_comparison_plot(""));
}

} // namespace

} // namespace troupe::monitoring
