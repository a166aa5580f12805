#include "monitoring/wording.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace troupe::monitoring {

namespace {

TEST(wording_test, groups_thousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(18446744073709551615u), "18,446,744,073,709,551,615");
}

TEST(wording_test, rounds_rates_to_three_figures_or_whole_ones) {
  EXPECT_EQ(rate(0.0), "0.00");
  EXPECT_EQ(rate(0.434), "0.43");
  EXPECT_EQ(rate(9.994), "9.99");
  EXPECT_EQ(rate(9.996), "10.0");
  EXPECT_EQ(rate(92.13), "92.1");
  EXPECT_EQ(rate(99.96), "100");
  EXPECT_EQ(rate(152340.4), "152,340");
  EXPECT_EQ(rate(std::numeric_limits<double>::infinity()), "-");
}

TEST(wording_test, reads_time_off_a_clock) {
  EXPECT_EQ(clock(0), "00:00");
  EXPECT_EQ(clock(-3), "00:00");
  EXPECT_EQ(clock(12.4), "00:12");
  EXPECT_EQ(clock(59.6), "01:00");
  EXPECT_EQ(clock(3599), "59:59");
  EXPECT_EQ(clock(3723), "1:02:03");
  EXPECT_EQ(clock(183840), "2d 03:04");
  EXPECT_EQ(clock(std::numeric_limits<double>::quiet_NaN()), "--:--");
}

TEST(wording_test, shows_figures_in_four_places_or_digits) {
  EXPECT_EQ(figure(0.84341), "0.8434");
  EXPECT_EQ(figure(99999.5), "99999.5000");
  EXPECT_EQ(figure(10438792.2187), "1.044e+07");
  EXPECT_EQ(figure(-std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(figure(std::numeric_limits<double>::infinity()), "inf");
}

TEST(wording_test, counts_one_and_many) {
  EXPECT_EQ(counted(1, "slot"), "1 slot");
  EXPECT_EQ(counted(0, "slot"), "0 slots");
  EXPECT_EQ(counted(199210, "parameter"), "199,210 parameters");
}

TEST(wording_test, keeps_a_text_on_one_line) {
  EXPECT_EQ(one_line("a\nb\tc\x1b[2Jd"), "a b c [2Jd");
  EXPECT_EQ(one_line("grüße"), "grüße");
  EXPECT_EQ(one_line("a\u202Eb\u2066c\u0085d"), "a b c d");
  EXPECT_EQ(one_line("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80");
}

TEST(wording_test, shows_that_bytes_are_no_text) {
  EXPECT_EQ(one_line("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(one_line("\xC3"), "\uFFFD");
  EXPECT_EQ(one_line("\xC0\xAF"), "\uFFFD\uFFFD");
  EXPECT_EQ(one_line("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
}

TEST(wording_test, clips_between_code_points) {
  EXPECT_EQ(columns("grüße"), 5u);
  EXPECT_EQ(clipped("grüße", 5), "grüße");
  EXPECT_EQ(clipped("grüße", 3), "grü");
  EXPECT_EQ(clipped("grüße", 2), "gr");
  EXPECT_EQ(clipped("abc", 0), "");
  EXPECT_EQ(clipped("", 4), "");
}

} // namespace

} // namespace troupe::monitoring
