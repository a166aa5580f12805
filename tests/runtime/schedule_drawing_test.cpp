#include "runtime/schedule_drawing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

using collective::algorithm;
using collective::operation_kind;
using testing::HasSubstr;

constexpr collective::task ring{
    operation_kind::all_reduce, algorithm::ring, 6, 72, 0, 1};

std::size_t times(const std::string& text, const std::string& what) {
  std::size_t result = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1))
    ++result;
  return result;
}

TEST(schedule_drawing_test, tells_what_it_costs_and_that_it_is_proven) {
  const auto text = schedule_text(ring, 5e-6, 5e9);

  EXPECT_THAT(text, HasSubstr("all_reduce of 72 elements by ring, 6 ranks\n"
                              "10 rounds, 60 messages, 720 elements sent, 120 "
                              "by one rank at most\n"
                              "50.1 us at 5.0 us a message and 5.00 GB/s"));
  EXPECT_THAT(text, HasSubstr("proven: every part once at every rank"));
  EXPECT_THAT(text, HasSubstr("\nround 9\n"));
}

TEST(schedule_drawing_test, draws_an_arrow_for_every_message) {
  const auto picture = schedule_drawing(ring);

  EXPECT_EQ(times(picture, "<path class=\"add\""), 30u);
  EXPECT_EQ(times(picture, "<path class=\"copy\""), 30u);
  EXPECT_EQ(times(picture, ">rank "), 6u);
  EXPECT_TRUE(picture.starts_with("<svg xmlns"));
  EXPECT_TRUE(picture.ends_with("</svg>\n"));
}

TEST(schedule_drawing_test, draws_what_has_no_steps) {
  auto alone = ring;
  alone.ranks = 1;

  EXPECT_EQ(times(schedule_drawing(alone), "marker-end"), 0u);
}

} // namespace
} // namespace troupe
