#include "runtime/record/names_apart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

using testing::ElementsAre;

std::vector<std::string> named(const std::vector<std::filesystem::path>& all) {
  return names_apart(all);
}

TEST(names_apart_test, calls_a_directory_by_its_own_name) {
  EXPECT_THAT(named({"runs/a", "/else/where/b/", "runs/../c", "./d/."}),
      ElementsAre("a", "b", "c", "d"));
}

TEST(names_apart_test, adds_directories_above_until_names_differ) {
  EXPECT_THAT(named({"/runs/a", "/runs/b", "/old/a"}),
      ElementsAre("runs/a", "b", "old/a"));
  EXPECT_THAT(named({"/x/1/r/a", "/x/2/r/a", "/y/s/a"}),
      ElementsAre("1/r/a", "2/r/a", "s/a"));
}

TEST(names_apart_test, tells_a_path_from_its_own_end) {
  EXPECT_THAT(named({"/a", "/b/a"}), ElementsAre("/a", "b/a"));
}

TEST(names_apart_test, numbers_what_is_there_twice) {
  EXPECT_THAT(named({"/runs/a", "/runs/a/", "/runs/b", "/runs/./a"}),
      ElementsAre("a", "a (2)", "b", "a (3)"));
}

TEST(names_apart_test, has_nothing_to_name) {
  EXPECT_TRUE(named({}).empty());
}

} // namespace
} // namespace troupe
