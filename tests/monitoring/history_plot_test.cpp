#include "monitoring/history_plot.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitoring/xml.hpp"

namespace troupe::monitoring {

namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t result = 0;
  for (auto at = text.find(what); at != std::string::npos;
       at = text.find(what, at + 1))
    ++result;
  return result;
}

std::vector<history_row> rows(std::size_t n) {
  std::vector<history_row> result;
  for (std::size_t i = 0; i < n; ++i) {
    const auto x = static_cast<double>(i);
    result.push_back({i * 10, x * 2.0, 0.4 + std::exp(-x / 3.0),
        0.85 - 0.7 * std::exp(-x / 3.0)});
  }
  return result;
}

TEST(history_plot_test, is_one_document_that_needs_no_other) {
  const auto svg = history_plot("fashion", rows(6));

  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_EQ(svg.rfind("<svg xmlns=\"http://www.w3.org/2000/svg\"", 0), 0u);
  for (const auto* link : {"<script", "href", "url(", "@import", "@font-face"})
    EXPECT_THAT(svg, Not(HasSubstr(link)));
}

TEST(history_plot_test, says_what_it_shows) {
  const auto svg = history_plot("fashion", rows(6));

  EXPECT_THAT(
      svg, HasSubstr("<text class=\"title\" x=\"24\" y=\"36\">fashion<"));
  EXPECT_THAT(svg, HasSubstr(">version 50 after 00:10, 6 evaluations<"));
  EXPECT_THAT(svg, HasSubstr(">accuracy<"));
  EXPECT_THAT(svg, HasSubstr(">loss<"));
  EXPECT_THAT(svg, HasSubstr("<title>version 10: 0.3484</title>"));
}

TEST(history_plot_test, calls_versions_what_they_are) {
  const auto svg = history_plot("mesh", rows(6), "step");

  EXPECT_THAT(svg, HasSubstr(">step 50 after 00:10, 6 evaluations<"));
  EXPECT_THAT(svg, HasSubstr("accuracy and loss by step"));
  EXPECT_THAT(svg, HasSubstr("<title>step 10: 0.3484</title>"));
  EXPECT_THAT(svg, testing::Not(HasSubstr("version")));
}

TEST(history_plot_test, changes_its_colours_with_the_reader) {
  EXPECT_THAT(history_plot("fashion", rows(2)),
      HasSubstr("@media(prefers-color-scheme:dark)"));
}

TEST(history_plot_test, names_the_last_value_and_the_best_one) {
  auto best_in_between = rows(6);
  best_in_between[3].accuracy = 0.9;

  const auto svg = history_plot("fashion", best_in_between);

  EXPECT_THAT(svg, HasSubstr("0.7178</tspan> best 0.9000 at 30<"));
  EXPECT_THAT(svg, HasSubstr("0.5889</tspan> best<"));
  EXPECT_EQ(count(svg, "accuracy ring"), 1u);
}

TEST(history_plot_test, marks_the_first_of_equal_bests) {
  auto again = rows(6);
  again[2].accuracy = again[4].accuracy = 0.9;
  again[1].loss = again[3].loss = 0.1;

  const auto svg = history_plot("fashion", again);

  EXPECT_THAT(svg, HasSubstr(" best 0.9000 at 20<"));
  EXPECT_THAT(svg, HasSubstr(" best 0.1000 at 10<"));
}

TEST(history_plot_test, shortens_values_that_run_away) {
  auto wild = rows(2);
  wild[1].loss = 10438792.2187;

  const auto svg = history_plot("fashion", wild);

  EXPECT_THAT(svg, HasSubstr(">1.044e+07</tspan>"));
  EXPECT_THAT(svg, Not(HasSubstr("10438792")));
}

TEST(history_plot_test, has_no_version_below_zero) {
  EXPECT_THAT(history_plot("fashion", rows(1)), Not(HasSubstr(">-1<")));
}

TEST(history_plot_test, draws_the_same_for_the_same_rows) {
  EXPECT_EQ(history_plot("a", rows(50)), history_plot("a", rows(50)));
}

TEST(history_plot_test, escapes_the_title) {
  const auto svg = history_plot("<&\"\n\x01>", rows(1));

  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_THAT(svg, HasSubstr(">&lt;&amp;&quot;  &gt;</text>"));
}

TEST(history_plot_test, needs_no_rows) {
  const auto svg = history_plot("fashion", {});

  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_THAT(svg, HasSubstr("no version was evaluated"));
  EXPECT_EQ(count(svg, "no value to draw"), 2u);
}

TEST(history_plot_test, draws_one_row_as_a_dot) {
  const auto svg = history_plot("fashion", rows(1));

  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_THAT(svg, HasSubstr("class=\"accuracy line\" d=\"M68.0"));
  EXPECT_THAT(svg, Not(HasSubstr("class=\"accuracy area\"")));
}

TEST(history_plot_test, leaves_gaps_for_values_that_are_none) {
  auto gappy = rows(7);
  gappy[2].loss = nothing;
  gappy[4].loss = std::numeric_limits<double>::infinity();

  const auto svg = history_plot("fashion", gappy);

  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_EQ(count(svg, "class=\"loss line\""), 3u);
  EXPECT_EQ(count(svg, "class=\"accuracy line\""), 1u);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(history_plot_test, survives_a_run_without_any_value) {
  auto lost = rows(5);
  for (auto& row : lost)
    row.loss = row.accuracy = nothing;

  const auto svg = history_plot("fashion", lost);

  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_EQ(count(svg, "no value to draw"), 2u);
}

TEST(history_plot_test, stays_inside_the_page) {
  const double wild[] = {0.0, 1e-300, 1e300, -1e300, 1e9, 0.1, -5.0, nothing};
  for (double a : wild)
    for (double b : wild) {
      const auto svg = history_plot("x", {{1, 1, a, 0.1}, {2, 2, b, 0.2}});

      EXPECT_EQ(xml_fault(svg), "") << a << " " << b;
      for (const auto* place : {" x=\"", " y=\"", " cx=\"", " cy=\""})
        for (auto at = svg.find(place); at != std::string::npos;
             at = svg.find(place, at + 1)) {
          const auto value = std::stod(svg.substr(svg.find('"', at) + 1));
          EXPECT_GE(value, 0.0) << a << " " << b;
          EXPECT_LE(value, 880.0) << a << " " << b;
        }
    }
}

TEST(history_plot_test, thins_ten_thousand_rows) {
  const auto svg = history_plot("fashion", rows(10000));

  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_LT(svg.size(), 100000u);
}

TEST(history_plot_test, is_held_to_a_check_that_can_fail) {
  EXPECT_NE(xml_fault("<svg><g></svg>\n"), "");
  EXPECT_NE(xml_fault("<svg>a & b</svg>\n"), "");
  EXPECT_NE(xml_fault("<svg x=\"<\"></svg>\n"), "");
  EXPECT_NE(xml_fault("<svg></svg><svg></svg>\n"), "");
  EXPECT_EQ(xml_fault("<svg x=\"1\"><g/>t</svg>\n"), "");
}

} // namespace

} // namespace troupe::monitoring
