#include "runtime/pipeline_drawing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

using pipeline::policy;
using testing::HasSubstr;

constexpr pipeline::plan one_by_one{policy::one_f_one_b, 2, 1, 3};
constexpr pipeline::costs thirds{1, 1, 1};

std::size_t times(const std::string& text, const std::string& what) {
  std::size_t result = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1))
    ++result;
  return result;
}

TEST(pipeline_drawing_test, shows_who_does_what_when) {
  const auto text = pipeline_text(one_by_one, {1, 1, 0});

  EXPECT_EQ(text, "1f1b, 2 ranks, 3 micro-batches\n"
                  "forward 1, backward 1, transfer 0\n"
                  "8 long, 25.0 % idle, 25.0 % by the formula\n"
                  "\n"
                  "rank 0   F0 F1 .  B0 F2 B1 .  B2\n"
                  "rank 1   .  F0 B0 F1 B1 F2 B2\n"
                  "\n"
                  "             idle   traces     kept  credits\n"
                  "rank 0          2        2        0        2\n"
                  "rank 1          2        1        0        0\n");
}

TEST(pipeline_drawing_test, draws_a_long_work_as_long_and_names_chunks) {
  const pipeline::plan chunks{policy::interleaved, 2, 2, 2};

  EXPECT_THAT(pipeline_text(chunks, {1, 2, 0}),
      HasSubstr("\nrank 0   F0a F1a F0b F1b"));
  EXPECT_THAT(pipeline_text(one_by_one, {1, 2, 0}), HasSubstr("B0--- "));
}

TEST(pipeline_drawing_test, draws_a_box_for_every_work) {
  const pipeline::plan split{policy::zb_h1, 4, 1, 8};

  const auto picture = pipeline_drawing(split, thirds);

  for (auto kind : {"forward", "backward", "weight"})
    EXPECT_EQ(times(picture, std::string{"class=\"box "} + kind), 32u);
  EXPECT_EQ(times(picture, ">rank "), 4u);
  EXPECT_EQ(times(picture, ">idle for 3<"), 4u);
  EXPECT_TRUE(picture.starts_with("<svg xmlns"));
  EXPECT_TRUE(picture.ends_with("</svg>\n"));
}

TEST(pipeline_drawing_test, leaves_out_what_takes_no_line) {
  const pipeline::plan many{policy::naive, 16, 1, 200};

  EXPECT_THAT(pipeline_text(many, thirds), HasSubstr("too long for a line"));
}

TEST(pipeline_drawing_test, draws_what_takes_no_time) {
  const auto picture = pipeline_drawing(one_by_one, {0, 0, 0});

  EXPECT_EQ(times(picture, "class=\"box"), 0u);
  EXPECT_TRUE(picture.ends_with("</svg>\n"));
}

} // namespace
} // namespace troupe
