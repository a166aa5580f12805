#include "monitoring/recoveries.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace troupe::monitoring {

namespace {

using namespace std::chrono_literals;

constexpr instant at(duration t) {
  return instant{t};
}

TEST(recoveries_test, lasts_until_the_last_of_a_loss_is_leased_again) {
  recoveries x;
  for (client_id client : {1u, 2u, 3u})
    x.requeued(client, at(10s));

  EXPECT_FALSE(x.leased(2, at(11s)));
  EXPECT_FALSE(x.leased(7, at(12s))) << "it was not lost";
  EXPECT_FALSE(x.leased(1, at(13s)));
  EXPECT_EQ(x.leased(3, at(14s)), 4s);
  EXPECT_FALSE(x.leased(3, at(15s))) << "it is over";
}

TEST(recoveries_test, tells_two_losses_apart) {
  recoveries x;
  x.requeued(1, at(10s));
  x.requeued(2, at(12s));

  EXPECT_EQ(x.leased(2, at(13s)), 1s);
  EXPECT_EQ(x.leased(1, at(20s)), 10s);
}

TEST(recoveries_test, counts_a_client_that_is_lost_twice_from_each_loss) {
  recoveries x;
  x.requeued(1, at(1s));
  EXPECT_EQ(x.leased(1, at(2s)), 1s);

  x.requeued(1, at(5s));

  EXPECT_EQ(x.leased(1, at(8s)), 3s);
}

TEST(recoveries_test, waits_for_nobody_who_has_left) {
  recoveries x;
  x.requeued(1, at(1s));
  x.requeued(2, at(1s));
  EXPECT_FALSE(x.leased(1, at(2s)));

  EXPECT_EQ(x.gone(2), 1s);
  EXPECT_FALSE(x.gone(2));

  x.requeued(3, at(5s));
  EXPECT_FALSE(x.gone(3)) << "nothing was handed out again";
  EXPECT_FALSE(x.leased(3, at(6s)));
}

TEST(recoveries_test, ends_with_the_round) {
  recoveries x;
  x.requeued(1, at(1s));
  x.requeued(2, at(1s));
  EXPECT_FALSE(x.leased(1, at(3s)));

  EXPECT_EQ(x.round_over(), 2s);
  EXPECT_FALSE(x.leased(2, at(9s))) << "that is a new lease";
  EXPECT_FALSE(x.round_over());
}

} // namespace

} // namespace troupe::monitoring
