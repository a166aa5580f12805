#include "protocols/membership/allowance.hpp"

#include <gtest/gtest.h>

#include "tests/protocols/membership/nodes.hpp"

namespace troupe::membership {
namespace {

TEST(allowance_test, tells_a_few_at_once_and_says_how_many_it_did_not) {
  allowance x;
  for (std::uint64_t i = 0; i < allowance::most; ++i)
    EXPECT_EQ(x.take(at(100)), 0u);

  for (int i = 0; i < 37; ++i)
    EXPECT_EQ(x.take(at(100)), std::nullopt);

  EXPECT_EQ(x.take(at(101)), 37u);
  EXPECT_EQ(x.take(at(101)), std::nullopt);
  EXPECT_EQ(x.take(at(103)), 1u);
  EXPECT_EQ(x.take(at(103)), 0u);
}

// However often, and for however long: a bound, and one a second.
TEST(allowance_test, tells_no_more_than_one_a_second_in_the_long_run) {
  allowance x;
  std::uint64_t told = 0;
  for (int ms = 0; ms < 60'000; ms += 7)
    told += x.take(at(5) + std::chrono::milliseconds{ms}).has_value();

  EXPECT_LE(told, allowance::most + 60);
  EXPECT_GE(told, allowance::most + 59);
}

TEST(allowance_test, saves_up_no_more_than_its_bound) {
  allowance x;
  x.take(at(1));

  std::uint64_t told = 0;
  for (int i = 0; i < 100; ++i)
    told += x.take(at(100'000)).has_value();

  EXPECT_EQ(told, allowance::most);
}

} // namespace
} // namespace troupe::membership
