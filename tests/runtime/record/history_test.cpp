#include "runtime/record/history.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

instant at(double s) {
  return instant{from_seconds(s)};
}

fact start(version_id version) {
  facts::run_header result;
  result.version = version;
  return {0, at(0), result};
}

fact made(version_id version, double when) {
  return {0, at(when), facts::published{version, version, 5, version * 5, 0.5}};
}

fact scored(version_id version, double accuracy) {
  return {0, at(0), facts::evaluated{version, 10, 0.25, accuracy}};
}

std::vector<history_row> told(const std::vector<fact>& all) {
  retold_history history;
  for (const auto& f : all)
    history.take(f);
  return history.mend({});
}

TEST(history_test, is_told_again_by_the_journal) {
  auto rows = told({start(0), made(1, 1.0), made(2, 2.0), scored(2, 0.5),
      made(3, 3.0), made(4, 4.5), scored(4, 0.75)});

  EXPECT_EQ(rows, (std::vector<history_row>{{2, 2.0, 0.25, 0.5, 0.5, 10},
                      {4, 4.5, 0.25, 0.75, 0.5, 20}}));
}

TEST(history_test, goes_on_counting_seconds_where_a_process_went_on) {
  auto rows = told({start(0), made(1, 1.0), scored(1, 0.5), made(2, 2.5),
      start(2), made(3, 1.0), scored(3, 0.5), start(3), made(4, 1.0),
      scored(4, 0.5)});

  ASSERT_EQ(rows.size(), 3u);
  EXPECT_DOUBLE_EQ(rows[1].seconds, 3.5);
  EXPECT_DOUBLE_EQ(rows[2].seconds, 4.5);
}

// The score of version 2 came behind its state, and is true all the same.
TEST(history_test, leaves_out_versions_that_are_void) {
  auto rows = told({start(0), made(1, 1.0), scored(1, 0.5), made(2, 2.0),
      scored(2, 0.75), made(3, 3.0), scored(3, 0.875),
      {9, at(0), facts::voided{5, 7, 2}}, start(2), made(3, 1.5)});

  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].version, 2u);
  EXPECT_EQ(rows[1].accuracy, 0.75);
}

TEST(history_test, reads_rows_that_are_whole) {
  const history_row row{2, 2.0, 0.25, 0.5, 0.5, 10};
  auto text = history_header() + to_csv(row);

  EXPECT_EQ(parse_history(text), std::vector{row});
  EXPECT_EQ(parse_history(text + "3,2.5,0.25,0.5,0.5,1"), std::vector{row});
  EXPECT_EQ(
      parse_history(text + std::string(9, '\0') + "\n"), std::vector{row});
}

TEST(history_test, has_a_column_for_a_virtual_clock) {
  const history_row row{2, 2.0, 0.25, 0.5, 0.5, 10, 0.1 + 0.2};
  const auto text = history_header(true) + to_csv(row);

  EXPECT_TRUE(history_header(true).ends_with(",updates,clock\n"));
  EXPECT_EQ(parse_history(text), std::vector{row});
  auto without = row;
  without.clock = 0.0;
  EXPECT_EQ(parse_history(history_header(true) + to_csv(without)),
      std::vector{without});
}

} // namespace
} // namespace troupe
