#include "protocols/membership/membership.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/ids.hpp"
#include "tests/protocols/membership/nodes.hpp"
#include "tests/protocols/membership/saved.hpp"

namespace troupe::membership {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using kind = change::kind;

std::vector<kind> kinds(membership& x) {
  std::vector<kind> result;
  for (const auto& each : x.take_changes())
    result.push_back(each.what);
  return result;
}

TEST(membership_test, takes_a_node_from_its_knock_to_its_end) {
  membership x{here()};

  const auto said = x.knock(node("a", 1), at(0));
  EXPECT_TRUE(said.admitted());
  EXPECT_FALSE(x.ready(1, {4, "cpu"}, at(1)));
  EXPECT_TRUE(x.drain("a", at(2)));
  EXPECT_TRUE(x.left(1, at(3)));

  const auto changes = x.take_changes();
  ASSERT_EQ(changes.size(), 4u);
  EXPECT_EQ(changes[0].epoch, said.epoch);
  EXPECT_EQ(changes[3].epoch, x.epoch());
  EXPECT_EQ(changes[3].what, kind::left);
  EXPECT_EQ(changes[3].name, "a");
  const auto a = x.members().at(0);
  EXPECT_EQ(a.at, state::left);
  EXPECT_EQ(a.slots, 4u);
  EXPECT_EQ(a.since, at(3));
  EXPECT_EQ(a.heard, at(1));
}

TEST(membership_test, goes_only_along_its_arrows) {
  membership x{here()};
  x.knock(node("a", 1), at(0));

  EXPECT_FALSE(x.drain("a", at(0)));
  EXPECT_FALSE(x.ready(1, {1, "cpu"}, at(0)));
  EXPECT_TRUE(x.ready(1, {2, "cpu"}, at(0)));
  EXPECT_TRUE(x.drain(x.members()[0].id, at(0)));
  EXPECT_FALSE(x.drain("a", at(0)));
  EXPECT_TRUE(x.ready(1, {1, "cpu"}, at(0)));
  EXPECT_FALSE(x.drain("nobody", at(0)));
  EXPECT_EQ(x.members()[0].slots, 1u);
}

TEST(membership_test, takes_its_slots_from_the_last_word_on_them) {
  membership x{here()};
  auto who = node("a", 1);
  who.slots = 7;

  x.knock(who, at(0));
  EXPECT_EQ(x.members()[0].slots, 7u);

  x.ready(1, {4, "cpu"}, at(0));
  EXPECT_EQ(x.members()[0].slots, 4u);
}

TEST(membership_test, lets_a_goodbye_come_at_any_time) {
  membership x{here()};
  x.knock(node("a", 1), at(0));

  EXPECT_TRUE(x.left(1, at(1)));

  EXPECT_FALSE(x.left(1, at(1)));
  EXPECT_EQ(x.count(state::left), 1u);
}

TEST(membership_test, loses_whoever_is_silent_and_nobody_else) {
  auto x = with(2);
  EXPECT_EQ(x.due(), at(3));
  x.heard(2, at(2));

  EXPECT_THAT(x.wake(at(3) - duration{1}), IsEmpty());
  EXPECT_THAT(x.wake(at(3)), ElementsAre(1));

  EXPECT_EQ(x.due(), at(5));
  EXPECT_THAT(kinds(x), ElementsAre(kind::lost));
  EXPECT_EQ(x.members()[0].at, state::lost);
  EXPECT_EQ(x.members()[0].why, "not heard for 3 s");
  EXPECT_EQ(x.members()[1].at, state::member);
}

TEST(membership_test, loses_whoever_is_never_ready) {
  auto how = here();
  how.silence = {};
  how.preparation = std::chrono::milliseconds{1500};
  auto x = with(1, how);
  x.knock(node("b", 2), at(1));
  x.heard(2, at(2));

  EXPECT_THAT(x.wake(at(2)), IsEmpty());
  EXPECT_EQ(x.due(), at(1) + how.preparation);
  EXPECT_THAT(x.wake(at(1) + how.preparation), ElementsAre(2));

  EXPECT_EQ(x.members()[0].at, state::member);
  EXPECT_EQ(x.members()[1].at, state::lost);
  EXPECT_EQ(x.members()[1].why, "not ready within 1500 ms");
  EXPECT_EQ(x.due(), std::nullopt);
}

TEST(membership_test, has_patience_without_end_where_silence_has_none) {
  auto how = here();
  how.silence = {};
  auto x = with(1, how);

  EXPECT_FALSE(x.due());
  EXPECT_THAT(x.wake(at(1'000'000)), IsEmpty());
}

TEST(membership_test, takes_a_lost_identity_back_under_its_id) {
  auto x = with(1);
  x.lost(1, "connection reset", at(1));
  EXPECT_EQ(x.members()[0].why, "connection reset");

  const auto said = x.knock(node("a", 2), at(2));

  EXPECT_EQ(said.id, x.members()[0].id);
  EXPECT_FALSE(said.superseded);
  EXPECT_THAT(kinds(x), ElementsAre(kind::lost, kind::rejoined));
  EXPECT_EQ(x.members()[0].at, state::joining);
  EXPECT_EQ(x.members()[0].rejoins, 1u);
  EXPECT_EQ(x.members()[0].why, "");
}

TEST(membership_test, ends_the_older_session_of_an_identity) {
  auto x = with(1);

  const auto said = x.knock(node("a", 2), at(1));

  EXPECT_EQ(said.superseded, 1u);
  EXPECT_THAT(kinds(x), ElementsAre(kind::superseded, kind::rejoined));
  EXPECT_FALSE(x.is_current(1));
  EXPECT_TRUE(x.is_current(2));
  EXPECT_EQ(x.epoch_of(1), std::nullopt);
  EXPECT_EQ(x.epoch_of(2), said.epoch);
  EXPECT_EQ(x.live(), 1u);
}

TEST(membership_test, ignores_events_of_a_session_that_is_over) {
  auto x = with(1);
  x.knock(node("a", 2), at(1));
  const auto before = x.members();

  EXPECT_FALSE(x.heard(1, at(2)));
  EXPECT_EQ(x.ready(1, {9, "cpu"}, at(2))->why, reason::stale_session);
  EXPECT_FALSE(x.left(1, at(2)));
  EXPECT_FALSE(x.lost(1, "closed", at(2)));
  EXPECT_EQ(x.knock(node("a", 1), at(2)).refused->why, reason::stale_session);

  EXPECT_EQ(x.members(), before);
}

TEST(membership_test, answers_a_second_knock_like_the_first) {
  membership x{here()};
  const auto first = x.knock(node("", 1), at(0));
  const auto epoch = x.epoch();

  const auto again = x.knock(node("", 1), at(1));

  EXPECT_EQ(again.name, first.name);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.epoch, first.epoch);
  EXPECT_EQ(x.epoch(), epoch);
  EXPECT_EQ(x.members()[0].heard, at(1));
}

TEST(membership_test, has_a_quorum_of_those_who_are_ready) {
  auto x = with(2);
  EXPECT_TRUE(x.quorum());

  x.drain("b", at(1));

  EXPECT_FALSE(x.quorum());
  EXPECT_EQ(x.count(state::draining), 1u);
}

TEST(membership_test, goes_on_where_it_was_saved) {
  auto x = with(2);
  x.knock(node("b", 7), at(1));
  membership again{here()};

  ASSERT_TRUE(copy_saved(x, again));

  EXPECT_EQ(again.members(), x.members());
  EXPECT_EQ(again.epoch(), x.epoch());
  EXPECT_TRUE(again.is_current(7));
  EXPECT_FALSE(again.heard(2, at(2)));
  EXPECT_EQ(again.due(), at(3));
}

TEST(membership_test, loses_everybody_when_its_process_restarts) {
  auto x = with(2);
  x.left(2, at(9));

  x.resume(1, at(0));

  EXPECT_THAT(kinds(x), ElementsAre(kind::left, kind::lost));
  EXPECT_EQ(x.live(), 0u);
  EXPECT_FALSE(x.due());
  EXPECT_GT(x.epoch(), first_lease(1));
  EXPECT_EQ(x.members()[1].since, at(0));
  EXPECT_EQ(x.knock(node("b", 1), at(1)).id, 2u);
  EXPECT_EQ(x.knock(node("a", 2, "other"), at(1)).refused->why,
      reason::identity_taken);
}

TEST(membership_test, never_goes_back_to_an_epoch) {
  membership x{here(), 2};
  x.knock(node("a", 1), at(0));
  const auto epoch = x.epoch();

  x.resume(1, at(0));

  EXPECT_EQ(x.epoch(), epoch + 1);
}

/// What would be saved by a membership in which two share a session.
struct shared_session {
  bool no = false;
  std::set<session_id> over;
  identities known;

  template <class Inspector>
  friend bool inspect(Inspector& f, shared_session& x) {
    epoch_id epoch = 2;
    return f.object(x).fields(f.field("epoch", epoch), f.field("mixed", x.no),
        f.field("closed", x.no), f.field("over", x.over),
        f.field("known", x.known));
  }
};

TEST(membership_test, does_not_load_a_session_of_two) {
  shared_session forged;
  forged.known.add("a", "k").session = 1;
  auto& b = forged.known.add("b", "k");
  b.session = 2;
  membership x{here()};
  EXPECT_TRUE(copy_saved(forged, x));

  b.session = 1;

  EXPECT_FALSE(copy_saved(forged, x));
}

TEST(membership_test, keeps_ten_thousand_nodes_in_little_time) {
  membership x{here()};
  for (session_id i = 1; i <= 10'000; ++i)
    ASSERT_TRUE(x.knock(node("", i), at(0)).admitted());

  EXPECT_EQ(x.knock(node("", 10'001), at(0)).refused->why, reason::full);
  EXPECT_EQ(x.wake(at(3)).size(), 10'000u);
  EXPECT_EQ(x.count(state::lost), 10'000u);
}

} // namespace
} // namespace troupe::membership
