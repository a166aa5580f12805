#include "monitoring/plot_axis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace troupe::monitoring {

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

TEST(plot_axis_test, keeps_peaks_when_it_thins) {
  std::vector<plot_point> points;
  for (int i = 0; i < 100000; ++i)
    points.push_back({double(i), std::sin(i * 0.01)});
  points[31416].y = 9.0;
  points[77777].y = -9.0;

  const auto kept = thinned(points, 300);

  EXPECT_LE(kept.size(), 4u * 301u);
  auto holds = [&](const plot_point& p) {
    return std::any_of(kept.begin(), kept.end(),
        [&](const plot_point& k) { return k.x == p.x && k.y == p.y; });
  };
  EXPECT_TRUE(holds(points.front()));
  EXPECT_TRUE(holds(points.back()));
  EXPECT_TRUE(holds(points[31416]));
  EXPECT_TRUE(holds(points[77777]));
  EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end(),
      [](const auto& a, const auto& b) { return a.x < b.x; }));
}

TEST(plot_axis_test, keeps_gaps_when_it_thins) {
  std::vector<plot_point> points;
  for (int i = 0; i < 10000; ++i)
    points.push_back({double(i), i >= 4000 && i < 6000 ? nothing : 1.0});

  const auto kept = thinned(points, 100);

  EXPECT_TRUE(std::any_of(kept.begin(), kept.end(),
      [](const plot_point& p) { return std::isnan(p.y); }));
}

TEST(plot_axis_test, keeps_all_points_when_they_are_few) {
  const std::vector<plot_point> points{{1, 1}, {2, 2}, {3, 1}};

  EXPECT_EQ(thinned(points, 300).size(), 3u);
}

TEST(plot_axis_test, has_no_time_below_zero) {
  EXPECT_EQ(x_axis_over({0.0, 0.0}, 0.0).of.low, 0.0);
  EXPECT_GT(x_axis_over({0.0, 0.0}, 0.0).of.high, 0.0);
}

TEST(plot_axis_test, breaks_a_curve_at_its_gaps) {
  const auto found =
      pieces({{0, nothing}, {1, 1}, {2, 2}, {3, nothing}, {4, 4}});

  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].size(), 2u);
  EXPECT_EQ(found[1].front().x, 4.0);
}

} // namespace

} // namespace troupe::monitoring
