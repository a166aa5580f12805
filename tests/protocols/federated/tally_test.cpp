#include "protocols/federated/tally.hpp"

#include <gtest/gtest.h>

namespace troupe::federated {
namespace {

TEST(tally_test, weighs_losses_as_their_updates) {
  tally t;
  t.add(1, 10, 0.75, 1.0);
  t.add(2, 11, 0.25, 3.0);

  EXPECT_EQ(t.updates(), 2u);
  EXPECT_EQ(t.loss(), 1.5);
}

TEST(tally_test, has_the_same_bits_in_any_order_of_arrival) {
  std::vector<double> losses{0.1, 1e9, 0.7, -1e9, 1e-9, 0.3};
  std::vector<client_id> order{0, 1, 2, 3, 4, 5};
  const auto of = [&] {
    tally t;
    for (auto client : order)
      t.add(100 + client, client, 0.1, losses[client]);
    return t.loss();
  };
  const auto first = of();

  while (std::ranges::next_permutation(order).found)
    ASSERT_EQ(of(), first);
}

TEST(tally_test, forgets_what_does_not_count_after_all) {
  tally t;
  t.add(1, 10, 0.5, 1.0);
  t.add(2, 11, 0.5, 9.0);

  t.retract(2);
  t.retract(3);

  EXPECT_EQ(t.updates(), 1u);
  EXPECT_EQ(t.loss(), 1.0);
}

TEST(tally_test, has_no_loss_without_updates) {
  tally t;
  t.add(1, 10, 0.5, 1.0);

  t.clear();

  EXPECT_EQ(t.updates(), 0u);
  EXPECT_EQ(t.loss(), 0.0);
}

} // namespace
} // namespace troupe::federated
