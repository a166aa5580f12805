#include "protocols/membership/identities.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/membership/nodes.hpp"
#include "tests/protocols/membership/saved.hpp"

namespace troupe::membership {
namespace {

TEST(identities_test, gives_the_nameless_the_lowest_free_name) {
  auto how = here();
  how.remembered = 0;
  membership x{how};
  x.knock(node("node-2", 1), at(0));

  EXPECT_EQ(x.knock(node("", 2), at(0)).name, "node-1");
  EXPECT_EQ(x.knock(node("", 3), at(0)).name, "node-3");
  x.left(1, at(1));
  EXPECT_EQ(x.knock(node("", 4), at(1)).name, "node-2");
}

TEST(identities_test, does_not_give_away_the_name_of_one_who_may_return) {
  membership x{here()};
  x.knock(node("", 1), at(0));
  x.lost(1, "closed", at(1));

  EXPECT_EQ(x.knock(node("", 2), at(1)).name, "node-2");
  EXPECT_EQ(x.knock(node("node-1", 3), at(1)).id, 1u);
}

TEST(identities_test, forgets_those_who_went_first) {
  auto how = here();
  how.remembered = 1;
  auto x = with(3, how);

  x.left(2, at(1));
  x.left(1, at(2));

  ASSERT_EQ(x.members().size(), 2u);
  EXPECT_EQ(x.members()[0].name, "a");
  EXPECT_EQ(x.knock(node("b", 4, "other"), at(3)).id, 4u);
}

TEST(identities_test, names_whoever_comes_after_one_with_an_odd_number) {
  auto how = here();
  how.remembered = 0;
  membership x{how};
  for (const auto* name : {"node-0", "node-x", "node-01", "node-"})
    x.knock(node(name, x.epoch() + 1), at(0));
  for (const auto& one : x.members())
    x.left(one.session, at(0));

  EXPECT_EQ(x.knock(node("", 100), at(0)).name, "node-1");
}

TEST(identities_test, forgets_what_was_there_before_it_was_loaded) {
  identities from, into;
  from.move(from.add("node-3", "k"), state::lost, 1);
  from.add("b", "k");
  into.move(into.add("node-1", "other"), state::left, 1);
  into.move(into.add("node-2", "other"), state::left, 2);
  EXPECT_EQ(into.free_name(), "node-3");

  ASSERT_TRUE(copy_saved(from, into));

  EXPECT_EQ(into.all(), from.all());
  EXPECT_EQ(into.live(), 1u);
  EXPECT_EQ(into.count(state::left), 0u);
  EXPECT_EQ(into.count(state::lost), 1u);
  EXPECT_EQ(into.find("node-2"), nullptr);
  EXPECT_EQ(into.free_name(), "node-1");
  EXPECT_EQ(into.add("c", "k").id, 3u);
}

TEST(identities_test, remembers_no_more_than_it_may_when_it_is_loaded) {
  identities from, into{1};
  from.move(from.add("a", "k"), state::lost, 1);
  from.move(from.add("b", "k"), state::lost, 2);

  ASSERT_TRUE(copy_saved(from, into));

  EXPECT_EQ(into.find("a"), nullptr);
  EXPECT_NE(into.find("b"), nullptr);
}

/// In the shape of saved identities, with anything in it.
struct forgery {
  node_id last = 2;
  std::map<node_id, member> all;

  template <class Inspector>
  friend bool inspect(Inspector& f, forgery& x) {
    return f.object(x).fields(f.field("last", x.last), f.field("all", x.all));
  }
};

TEST(identities_test, does_not_load_what_it_never_saved) {
  forgery sound;
  sound.all[1] = {.id = 1, .name = "a", .at = state::lost, .changed = 1};
  sound.all[2] = {.id = 2, .name = "b", .at = state::lost, .changed = 2};
  identities x;
  EXPECT_TRUE(copy_saved(sound, x));

  auto other_id = sound, late_id = sound, same_name = sound, same_end = sound;
  other_id.all[1].id = 2;
  late_id.last = 1;
  same_name.all[2].name = "a";
  same_end.all[2].changed = 1;

  for (const auto& each : {other_id, late_id, same_name, same_end})
    EXPECT_FALSE(copy_saved(each, x));
}

} // namespace
} // namespace troupe::membership
