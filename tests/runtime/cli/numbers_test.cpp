#include "runtime/cli/numbers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace troupe::cli {
namespace {

using testing::HasSubstr;
using sizes = std::vector<std::size_t>;

std::string refused(const std::string& text) {
  try {
    sizes_of(text);
  } catch (const usage_error& error) {
    return error.what();
  }
  return {};
}

TEST(numbers_test, reads_sizes_as_people_write_them) {
  EXPECT_EQ(sizes_of("4"), (sizes{4}));
  EXPECT_EQ(sizes_of("64K"), (sizes{65'536}));
  EXPECT_EQ(sizes_of("4,1M"), (sizes{4, 1'048'576}));
  EXPECT_EQ(sizes_of("4..64"), (sizes{4, 16, 64}));
  EXPECT_EQ(sizes_of("4..100"), (sizes{4, 16, 64, 100}));
}

TEST(numbers_test, names_what_is_no_size) {
  for (const std::string text : {"", "x", "4x", "-4", "4,", "5G",
           "99999999999999999999", "..4", "8..4", "0..4", "4.."})
    EXPECT_THAT(refused(text), HasSubstr("is not a number of bytes")) << text;
}

TEST(numbers_test, writes_sizes_as_it_reads_them) {
  for (std::size_t each : {4u, 1000u, 1024u, 65'536u, 16u << 20})
    EXPECT_EQ(sizes_of(size_text(each)), (sizes{each}));
}

TEST(numbers_test, bounds_whole_numbers) {
  const std::array known{option{"ranks", "N", ""}};
  const auto given = [&](const std::string& value) {
    return arguments{std::array{std::string{"--ranks"}, value}, known};
  };

  EXPECT_EQ(whole_number(given("7"), "ranks", 2, 1, 64), 7u);
  EXPECT_EQ(whole_number(arguments{{}, known}, "ranks", 2, 1, 64), 2u);
  for (const std::string bad : {"0", "65", "-1", "3.5", "", "seven"})
    EXPECT_THROW(whole_number(given(bad), "ranks", 2, 1, 64), usage_error);
}

} // namespace
} // namespace troupe::cli
