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
  sum.unready += one.unready;
  sum.mixed += one.mixed;
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
           reason::closed, reason::stale_session, reason::other_build,
           reason::to_be_lowered})
    EXPECT_GT(seen.refused[why], lives / 10) << to_string(why);
  using kind = change::kind;
  for (auto what : {kind::joined, kind::readied, kind::draining, kind::left,
           kind::lost, kind::rejoined, kind::superseded})
    EXPECT_GT(seen.changes[what], lives / 10) << to_string(what);
  EXPECT_GT(seen.silent, lives / 10);
  EXPECT_GT(seen.unready, lives / 10);
  EXPECT_GT(seen.mixed, lives / 20);
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
  EXPECT_EQ(fault_of<broken::keeps_the_older_session>(),
      "a session that is over is current");
  EXPECT_EQ(
      fault_of<broken::goes_by_the_name>(), "an event was answered wrongly");
  EXPECT_EQ(fault_of<broken::lets_the_last_knock_win>(),
      "let in in spite of a reason to refuse");
  EXPECT_EQ(
      fault_of<broken::raises_the_dead>(), "an event was answered wrongly");
}

TEST(membership_property_test, finds_every_broken_epoch) {
  EXPECT_EQ(fault_of<broken::repeats_an_epoch>(),
      "an epoch has no change of its own");
  EXPECT_EQ(fault_of<broken::drains_without_a_word>(),
      "an epoch has no change of its own");
  EXPECT_EQ(fault_of<broken::needs_no_ready>(),
      "the changes do not tell what has become of somebody");
  EXPECT_EQ(
      fault_of<broken::counts_from_the_start>(), "an epoch may come again");
}

TEST(membership_property_test, finds_every_broken_silence) {
  EXPECT_EQ(fault_of<broken::loses_too_early>(),
      "those who were lost are not those who were silent");
  EXPECT_EQ(fault_of<broken::loses_too_late>(),
      "those who were lost are not those who were silent");
  EXPECT_EQ(
      fault_of<broken::oversleeps>(), "due is later than somebody's silence");
  EXPECT_EQ(fault_of<broken::waits_for_the_unready>(),
      "due is later than somebody's silence");
  EXPECT_EQ(
      fault_of<broken::bears_a_grudge>(), "heard is not when it was heard");
}

TEST(membership_property_test, finds_every_broken_identity) {
  EXPECT_EQ(fault_of<broken::takes_any_key>(),
      "let in in spite of a reason to refuse");
  EXPECT_EQ(
      fault_of<broken::forgets_keys>(), "something changed without a word");
  EXPECT_EQ(fault_of<broken::gives_new_ids>(),
      "let in with an id or an epoch that is not its own");
  EXPECT_EQ(
      fault_of<broken::remembers_nobody>(), "somebody was forgotten too early");
}

TEST(membership_property_test, finds_every_broken_door) {
  EXPECT_EQ(fault_of<broken::lets_a_refusal_count>(),
      "something changed without a word");
  EXPECT_EQ(fault_of<broken::lets_too_many_in>(),
      "let in in spite of a reason to refuse");
  EXPECT_EQ(fault_of<broken::is_full_for_its_own>(),
      "refused for a reason that does not hold");
}

TEST(membership_property_test, finds_every_broken_fingerprint) {
  EXPECT_EQ(
      fault_of<broken::takes_any_device>(), "an event was answered wrongly");
  EXPECT_EQ(fault_of<broken::lowers_nobody>(),
      "refused for a reason that does not hold");
  EXPECT_EQ(fault_of<broken::lowers_before_it_looks>(),
      "lowered in spite of a reason to refuse");
}

TEST(membership_property_test, finds_every_broken_figure) {
  EXPECT_EQ(fault_of<broken::counts_on_the_draining>(), "the quorum is wrong");
  EXPECT_EQ(
      fault_of<broken::promises_too_much>(), "the promise of bits is wrong");
}

} // namespace
} // namespace troupe::membership
