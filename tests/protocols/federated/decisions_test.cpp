#include "protocols/federated/decisions.hpp"

#include <gtest/gtest.h>

#include "protocols/federated/staleness.hpp"

namespace troupe::federated {

TEST(decisions_test, names_every_reason_to_drop_an_update) {
  EXPECT_STREQ(to_string(drop_reason::none), "none");
  EXPECT_STREQ(to_string(drop_reason::unknown), "unknown");
  EXPECT_STREQ(to_string(drop_reason::duplicate), "duplicate");
  EXPECT_STREQ(to_string(drop_reason::late), "late");
  EXPECT_STREQ(to_string(drop_reason::too_stale), "too_stale");
}

TEST(decisions_test, names_every_ending) {
  EXPECT_STREQ(to_string(ending::completed), "completed");
  EXPECT_STREQ(to_string(ending::all_failed), "all_failed");
  EXPECT_STREQ(to_string(ending::starved), "starved");
}

TEST(decisions_test, are_empty_once_cleared) {
  decisions d;
  d.revoked.push_back(1);
  d.skipped.emplace_back();
  d.publish.emplace();
  d.round_started.emplace();
  d.grants.emplace_back();
  d.wake.emplace();
  d.end = ending::completed;

  d.clear();

  EXPECT_TRUE(d.revoked.empty() && d.skipped.empty() && d.grants.empty());
  EXPECT_FALSE(d.publish || d.round_started || d.wake || d.end);
}

TEST(staleness_test, leaves_a_fresh_update_its_whole_weight) {
  EXPECT_EQ(discount(0), 1.0);
}

TEST(staleness_test, halves_the_weight_at_three_versions) {
  EXPECT_EQ(discount(3), 0.5);
}

} // namespace troupe::federated
