// What a region says that it has done is what its versions are made of.

#include "protocols/federated/region_account.hpp"

#include <gtest/gtest.h>

namespace troupe::federated {
namespace {

fact accepted(std::uint64_t samples, std::uint64_t steps) {
  facts::accepted what;
  what.samples = samples;
  what.steps = steps;
  return {1, {}, what};
}

fact published(double loss) {
  facts::published what;
  what.loss = loss;
  return {1, {}, what};
}

TEST(region_account_test, sums_what_is_in_versions) {
  region_account sum;
  sum.hear(accepted(30, 3));
  sum.hear(accepted(10, 1));
  sum.hear(published(2.0));
  sum.hear(accepted(80, 8));
  EXPECT_EQ(sum.versions(), 1u);
  EXPECT_EQ(sum.outcome().samples, 40u);
  sum.hear(published(0.5));

  EXPECT_EQ(sum.versions(), 2u);
  EXPECT_EQ(sum.updates(), 3u);
  EXPECT_EQ(sum.outcome().samples, 120u);
  EXPECT_EQ(sum.outcome().steps, 12u);
  EXPECT_DOUBLE_EQ(sum.outcome().loss, (40 * 2.0 + 80 * 0.5) / 120);
  EXPECT_FALSE(sum.outcome().partial);
}

TEST(region_account_test, forgets_what_a_round_that_was_skipped_had) {
  region_account sum;
  sum.hear(accepted(30, 3));
  sum.hear({1, {}, facts::round_skipped{}});
  sum.hear(accepted(5, 1));
  sum.hear(published(1.0));

  EXPECT_EQ(sum.outcome().samples, 5u);
  EXPECT_EQ(sum.updates(), 1u);
}

TEST(region_account_test, weighs_clients_whose_data_nobody_knows_by_updates) {
  region_account sum;
  sum.hear(accepted(0, 3));
  sum.hear(accepted(0, 3));
  sum.hear(published(3.0));
  sum.hear(accepted(0, 3));
  sum.hear(published(0.0));

  EXPECT_DOUBLE_EQ(sum.outcome().loss, 2.0);
  EXPECT_EQ(region_account{}.outcome().loss, 0.0);
}

} // namespace
} // namespace troupe::federated
