#include "protocols/federated/round_size.hpp"

#include <gtest/gtest.h>

namespace troupe::federated {

TEST(round_size_test, is_a_part_of_the_clients_and_more_to_choose_from) {
  const auto size = size_of_round(100, 0.1, 1.3);

  EXPECT_EQ(size.wanted, 10);
  EXPECT_EQ(size.leased, 13);
}

TEST(round_size_test, leases_no_more_than_there_are_and_at_least_one) {
  EXPECT_EQ(size_of_round(12, 0.8, 1.3).leased, 12);
  EXPECT_EQ(size_of_round(3, 0.01, 1.0).wanted, 1);
  EXPECT_EQ(size_of_round(3, 0.01, 1.0).leased, 1);
  EXPECT_EQ(size_of_round(3, 1.0, 1.0).leased, 3);
}

TEST(round_size_test, takes_fractions_as_they_are_written) {
  EXPECT_EQ(size_of_round(1000, 0.1, 1.1).leased, 110);
  EXPECT_EQ(size_of_round(1000, 0.01, 1.2).leased, 12);
  EXPECT_EQ(size_of_round(1000, 0.01, 1.21).leased, 13);
}

} // namespace troupe::federated
