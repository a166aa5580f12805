// A mesh that has too few ranks.
#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/parallel/mesh.hpp"

namespace troupe::parallel {
namespace {

using namespace std::chrono_literals;
using membership::resort;

template <class Kind>
std::vector<Kind> only(const decisions& all) {
  std::vector<Kind> result;
  for (const auto& one : all)
    if (const auto* x = std::get_if<Kind>(&one))
      result.push_back(*x);
  return result;
}

/// Four ranks are wanted, and two are there.
struct mesh_waits_test : testing::Test {
  mesh_settings how;
  mesh rule;
  decisions said;

  mesh_waits_test() {
    how.steps = 10;
    how.wanted = 4;
    how.stands_still = 5s;
  }
  void begin(resort then) {
    how.then = then;
    rule = mesh{how, {}};
    rule.sit(0, true, {}, said);
    rule.begin({}, said);
    rule.sit(1, false, instant{3s}, said);
  }
  void run_out_of_patience() {
    ASSERT_EQ(rule.alarm(), instant{5s});
    rule.wake(instant{5s}, said);
  }
};

TEST_F(mesh_waits_test, tells_of_each_rank_that_comes) {
  begin(resort::fail);

  const auto told = only<waits>(said);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].have, 2u);
  EXPECT_EQ(told[1].wanted, 4u);
  EXPECT_TRUE(only<order>(said).empty());
}

TEST_F(mesh_waits_test, fails_behind_its_patience) {
  begin(resort::fail);

  run_out_of_patience();

  ASSERT_EQ(only<ended>(said).size(), 1u);
  EXPECT_EQ(only<ended>(said)[0].what, ended::how::failed);
  EXPECT_EQ(only<ended>(said)[0].why,
      "2 of 4 ranks are there, and no other has come");
}

TEST_F(mesh_waits_test, can_be_taken_up_behind_its_patience) {
  begin(resort::interrupt);

  run_out_of_patience();

  ASSERT_EQ(only<ended>(said).size(), 1u);
  EXPECT_EQ(only<ended>(said)[0].what, ended::how::stopped);
}

TEST_F(mesh_waits_test, goes_on_with_those_who_are_there) {
  begin(resort::go_on);

  run_out_of_patience();

  EXPECT_TRUE(only<ended>(said).empty());
  EXPECT_EQ(only<order>(said).size(), 2u);
  EXPECT_EQ(only<waits>(said).back().wanted, 0u);
}

TEST_F(mesh_waits_test, begins_with_the_last_that_comes) {
  begin(resort::fail);

  rule.sit(2, false, instant{4s}, said);
  rule.sit(3, false, instant{4s}, said);
  rule.wake(instant{5s}, said);

  EXPECT_TRUE(only<ended>(said).empty());
  EXPECT_EQ(only<order>(said).size(), 4u);
}

TEST_F(mesh_waits_test, waits_for_ever_where_it_is_not_told_how_long) {
  how.stands_still.reset();
  begin(resort::fail);

  EXPECT_FALSE(rule.alarm());
}

} // namespace
} // namespace troupe::parallel
