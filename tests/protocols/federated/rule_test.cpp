#include "protocols/federated/rule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"
#include "tests/protocols/federated/saved.hpp"
#include "tests/protocols/federated/trial.hpp"

namespace troupe::federated {
namespace {

using testing::ElementsAreArray;

saved bytes_of(const rule& r) {
  saved result;
  for (auto byte : r.save())
    result.push_back(static_cast<std::uint8_t>(byte));
  return result;
}

// One publication behind its start, with an update of the next version in.
template <class Rule>
trial<Rule> begun(Rule what) {
  trial<Rule> t{std::move(what), 4};
  while (!t.said.publish)
    t.arrive(t.said.grants.at(0));
  t.published();
  return t;
}

} // namespace

TEST(rule_test, decides_as_the_value_in_it) {
  fedbuff value{{.seed = 9, .weigh_samples = false}, 1, 2, 20};
  trial<rule> erased{rule{value}, 4};
  trial<fedbuff> plain{value, 4};

  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(clients_of(erased.said.grants), clients_of(plain.said.grants));
    ASSERT_EQ(bool(erased.said.publish), bool(plain.said.publish));
    const auto published = bool(plain.said.publish);
    if (published) {
      erased.published();
      plain.published();
      continue;
    }
    const auto g = plain.said.grants.at(0);
    EXPECT_EQ(erased.rule.share(g.lease), plain.rule.share(g.lease));
    EXPECT_EQ(erased.arrive(g).weight, plain.arrive(g).weight);
  }

  EXPECT_EQ(erased.rule.version(), plain.rule.version());
  EXPECT_EQ(erased.rule.round(), plain.rule.round());
  EXPECT_EQ(erased.rule.accepted(), plain.rule.accepted());
  EXPECT_EQ(erased.rule.buffered(), plain.rule.buffered());
  EXPECT_EQ(erased.rule.outstanding(), plain.rule.outstanding());
  EXPECT_EQ(erased.rule.common().seed, 9);
}

TEST(rule_test, is_a_value_whose_copy_goes_its_own_way) {
  trial<rule> t{rule{fedavg{{}, 1.0}}, 2};
  auto copy = t.rule;

  t.arrive(t.said.grants.at(0));

  EXPECT_EQ(t.rule.buffered(), 1);
  EXPECT_EQ(copy.buffered(), 0);
}

TEST(rule_test, saves_the_bytes_of_the_value_in_it) {
  const auto avg = begun(fedavg{{.weigh_samples = false}, 0.3}).rule;
  const auto buff = begun(fedbuff{{}, 1, 2, 20}).rule;

  EXPECT_THAT(bytes_of(avg), ElementsAreArray(save(avg)));
  EXPECT_THAT(bytes_of(buff), ElementsAreArray(save(buff)));
}

TEST(rule_test, goes_on_from_what_it_saved) {
  const rule before{begun(fedavg{{}, 0.3}).rule};
  rule after{fedavg{}};

  ASSERT_TRUE(after.load(before.save()));

  EXPECT_EQ(after.version(), 1);
  EXPECT_EQ(after.accepted(), before.accepted());
}

TEST(rule_test, refuses_the_state_of_another_kind) {
  EXPECT_FALSE(rule{fedavg{}}.load(rule{fedbuff{{}, 1, 2, 20}}.save()));
  EXPECT_FALSE(rule{fedbuff{}}.load(rule{fedavg{}}.save()));
  EXPECT_FALSE(rule{fedavg{}}.load({}));
}

} // namespace troupe::federated
