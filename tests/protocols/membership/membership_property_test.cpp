#include <gtest/gtest.h>

#include "tests/protocols/membership/broken_twins.hpp"
#include "tests/protocols/membership/history.hpp"

namespace troupe::membership {
namespace {

constexpr std::uint64_t lives = 10'000;

void add(tally& sum, const tally& one) {
  for (const auto& [why, count] : one.refused)
    sum.refused[why] += count;
  for (const auto& [what, count] : one.changes)
    sum.changes[what] += count;
  sum.silent += one.silent;
  sum.ignored += one.ignored;
  sum.forgotten += one.forgotten;
  sum.quorums += one.quorums;
}

TEST(membership_property_test, keeps_every_law) {
  tally seen;
  for (std::uint64_t seed = 0; seed < lives; ++seed) {
    history<membership> life{seed};
    ASSERT_EQ(life.run(), "") << "seed " << seed;
    add(seen, life.seen());
  }

  // The laws are not kept by doing nothing.
  for (auto why : {reason::other_version, reason::other_configuration,
           reason::other_fingerprint, reason::identity_taken, reason::full,
           reason::closed, reason::stale_session})
    EXPECT_GT(seen.refused[why], lives / 10) << to_string(why);
  using kind = change::kind;
  for (auto what : {kind::joined, kind::readied, kind::draining, kind::left,
           kind::lost, kind::rejoined, kind::superseded})
    EXPECT_GT(seen.changes[what], lives / 10) << to_string(what);
  EXPECT_GT(seen.silent, lives / 10);
  EXPECT_GT(seen.ignored, lives);
  EXPECT_GT(seen.forgotten, lives / 10);
  EXPECT_GT(seen.quorums, lives);
}

/// What the histories have against a rule, and how soon.
template <class Rule>
std::string fault_of() {
  for (std::uint64_t seed = 0; seed < lives; ++seed) {
    history<Rule> life{seed};
    if (auto breach = life.run(); !breach.empty())
      return breach;
  }
  return "";
}

TEST(membership_property_test, finds_every_broken_session) {
  EXPECT_NE(fault_of<broken::keeps_the_older_session>(), "");
  EXPECT_NE(fault_of<broken::goes_by_the_name>(), "");
  EXPECT_NE(fault_of<broken::lets_the_last_knock_win>(), "");
  EXPECT_NE(fault_of<broken::raises_the_dead>(), "");
}

TEST(membership_property_test, finds_every_broken_epoch) {
  EXPECT_NE(fault_of<broken::repeats_an_epoch>(), "");
  EXPECT_NE(fault_of<broken::drains_without_a_word>(), "");
  EXPECT_NE(fault_of<broken::needs_no_ready>(), "");
  EXPECT_NE(fault_of<broken::counts_from_the_start>(), "");
}

TEST(membership_property_test, finds_every_broken_silence) {
  EXPECT_NE(fault_of<broken::loses_too_early>(), "");
  EXPECT_NE(fault_of<broken::loses_too_late>(), "");
  EXPECT_NE(fault_of<broken::oversleeps>(), "");
}

TEST(membership_property_test, finds_every_broken_identity) {
  EXPECT_NE(fault_of<broken::takes_any_key>(), "");
  EXPECT_NE(fault_of<broken::forgets_keys>(), "");
  EXPECT_NE(fault_of<broken::gives_new_ids>(), "");
  EXPECT_NE(fault_of<broken::remembers_nobody>(), "");
}

TEST(membership_property_test, finds_every_broken_door) {
  EXPECT_NE(fault_of<broken::lets_a_refusal_count>(), "");
  EXPECT_NE(fault_of<broken::lets_too_many_in>(), "");
  EXPECT_NE(fault_of<broken::is_full_for_its_own>(), "");
}

TEST(membership_property_test, finds_every_broken_figure) {
  EXPECT_NE(fault_of<broken::counts_on_the_draining>(), "");
  EXPECT_NE(fault_of<broken::promises_too_much>(), "");
}

} // namespace
} // namespace troupe::membership
