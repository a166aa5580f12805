// When a rule takes another one's place, and what it makes of what was left.
#include "protocols/federated/succession.hpp"

#include <set>

#include <gtest/gtest.h>

#include "protocols/federated/fedasync.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"

namespace troupe::federated {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t clients = 8;

settings common() {
  return {.seed = 3, .rounds = 100, .weigh_samples = false};
}
rule rounds() {
  return fedavg{common(), 0.5};
}
rule buffers(std::uint64_t size = 2, std::uint64_t max_staleness = 10) {
  return fedbuff{common(), size, 4, max_staleness};
}
rule mixing() {
  return fedasync{common(), 0.5, {}, 4, 10};
}

/// A rule, and the leases that it has handed out.
class stage {
public:
  explicit stage(rule first) : rule_(std::move(first)) {
    join_all(rule_);
    rule_.begin(0, {}, decisions_);
    note();
  }

  /// All leases so far, but those that ended.
  const std::map<lease_id, grant>& open() const noexcept { return open_; }
  rule& operator*() noexcept { return rule_; }
  const std::vector<lease_id>& revoked() const noexcept { return revoked_; }

  verdict answer(lease_id lease) {
    const auto what = open_.at(lease);
    const auto result = rule_.arrive(
        {lease, what.client, what.base, 10, 1, 1.0, 1.0, 1s}, {}, decisions_);
    open_.erase(lease);
    note();
    return result;
  }
  /// Until it asks for a version.
  void fill() {
    while (!publishing_)
      answer(open_.begin()->first);
  }
  void fill_by_the_latest() {
    while (!publishing_)
      answer(std::prev(open_.end())->first);
  }
  void make_version() {
    publishing_ = false;
    rule_.published({}, decisions_);
    note();
  }
  void take_over(rule next) {
    join_all(next);
    ASSERT_TRUE(next.take_over(rule_.hand_over().value(), decisions_));
    rule_ = std::move(next);
    note();
  }

private:
  void join_all(rule& x) {
    for (client_id i = 0; i < clients; ++i)
      x.join(i, 10, {}, decisions_);
  }
  void note() {
    for (auto lease : decisions_.revoked) {
      open_.erase(lease);
      revoked_.push_back(lease);
    }
    for (const auto& each : decisions_.grants) {
      EXPECT_TRUE(ids_.insert(each.lease).second) << "an id comes twice";
      for (const auto& [lease, other] : open_)
        EXPECT_NE(other.client, each.client) << "a client has two leases";
      open_[each.lease] = each;
    }
    publishing_ = publishing_ || decisions_.publish;
    decisions_.clear();
  }

  rule rule_;
  decisions decisions_;
  std::map<lease_id, grant> open_;
  std::vector<lease_id> revoked_;
  std::set<lease_id> ids_;
  bool publishing_ = false;
};

TEST(succession_test, meets_a_wish_behind_the_next_version) {
  succession x;
  EXPECT_FALSE(x.behind(1));
  x.ask({"federation.rule=fedbuff"});
  x.ask({"federation.buffer=3"});

  const auto due = x.behind(2);

  ASSERT_TRUE(due);
  EXPECT_EQ(due->settings, (std::vector<std::string>{"federation.rule=fedbuff",
                               "federation.buffer=3"}));
  EXPECT_EQ(due->why, "asked");
  EXPECT_FALSE(due->planned);
  EXPECT_FALSE(x.behind(3));
}

TEST(succession_test, follows_its_plan_in_order) {
  succession x{{{"version 2", 2, 0.0, {"a"}}, {"version 4", 4, 0.0, {"b"}}}};
  EXPECT_FALSE(x.behind(1));
  EXPECT_EQ(x.behind(2)->settings.front(), "a");
  EXPECT_FALSE(x.behind(3));
  EXPECT_EQ(x.behind(4)->settings.front(), "b");
  EXPECT_FALSE(x.behind(5));
}

TEST(succession_test, meets_a_wish_before_its_plan) {
  succession x{{{"version 2", 2, 0.0, {"a"}}}};
  x.ask({"b"});
  EXPECT_EQ(x.behind(2)->settings.front(), "b");
  EXPECT_EQ(x.behind(3)->settings.front(), "a");
}

TEST(succession_test, goes_by_the_stragglers_of_one_version) {
  succession x{{{"stragglers 0.5", 0, 0.5, {"a"}}}};
  for (auto took : {4s, 4s, 5s})
    x.accepted(took);
  EXPECT_FALSE(x.behind(1)); // 1 - 4/5
  for (auto took : {1s, 1s, 5s})
    x.accepted(took);
  x.discard();
  EXPECT_FALSE(x.behind(2));
  for (auto took : {1s, 1s, 5s})
    x.accepted(took);
  EXPECT_TRUE(x.behind(3)); // 1 - 1/5
}

TEST(succession_test, measures_what_the_slowest_cost) {
  EXPECT_EQ(succession::stragglers({}), 0.0);
  EXPECT_EQ(succession::stragglers({2s}), 0.0);
  EXPECT_EQ(succession::stragglers({2s, 2s, 2s}), 0.0);
  EXPECT_DOUBLE_EQ(succession::stragglers({10s, 1s, 2s, 1s, 2s}), 0.8);
  EXPECT_EQ(succession::stragglers({0s, 0s}), 0.0);
  EXPECT_EQ(succession::stragglers({1s, 4s}), 0.75);
}

TEST(take_over_test, goes_on_where_the_rule_before_stopped) {
  for (auto* next : {+[] { return rounds(); }, +[] { return mixing(); },
           +[] { return buffers(); }}) {
    stage x{rounds()};
    x.fill();
    x.make_version();
    x.fill();
    x.take_over(next());
    EXPECT_EQ((*x).version(), 2u);
    EXPECT_EQ((*x).accepted(), 8u);
    EXPECT_EQ((*x).round(), 2u);
    x.make_version();
    EXPECT_EQ(x.open().begin()->second.base, 2u);
    x.fill();
    EXPECT_EQ((*x).version(), 3u);
  }
}

TEST(take_over_test, keeps_open_leases_where_age_does_not_matter) {
  stage x{buffers()};
  x.fill();
  const auto before = x.open();
  ASSERT_EQ(before.size(), 3u); // one of four filled the buffer

  x.take_over(mixing());

  EXPECT_EQ(x.open().size(), 3u);
  x.make_version();
  const auto how = x.answer(before.begin()->first);
  EXPECT_TRUE(how.accepted());
  EXPECT_TRUE(how.mix);
  EXPECT_EQ(how.staleness, 1u);
  EXPECT_EQ(how.share, 1.0);
}

TEST(take_over_test, weighs_open_leases_as_its_own) {
  stage x{buffers(2)};
  x.fill();
  const auto lease = x.open().begin()->first;
  EXPECT_EQ((*x).share(lease), 0.5);
  x.take_over(buffers(4));
  EXPECT_EQ((*x).share(lease), 0.25);
}

TEST(take_over_test, gives_up_what_a_round_cannot_count) {
  stage x{buffers()};
  x.fill();
  const auto before = x.open();
  ASSERT_FALSE(before.empty());

  x.take_over(rounds());

  EXPECT_EQ(x.revoked().size(), before.size());
  x.make_version();
  for (const auto& [lease, what] : before) {
    decisions ignored;
    EXPECT_EQ(
        (*x).arrive({lease, what.client, what.base, 10, 1}, {}, ignored).why,
        drop_reason::late);
  }
}

TEST(take_over_test, gives_up_what_is_too_old_for_it) {
  stage x{buffers()};
  for (int version = 1; version < 4; ++version) {
    x.fill_by_the_latest();
    if (version < 3)
      x.make_version();
  }
  ASSERT_EQ((*x).version(), 3u);
  const auto before = x.open();

  x.take_over(buffers(2, 1));

  std::vector<lease_id> old;
  for (const auto& [lease, what] : before)
    if (what.base + 1 < 3)
      old.push_back(lease);
  EXPECT_FALSE(old.empty());
  EXPECT_EQ(x.revoked(), old);
  EXPECT_EQ(x.open().size(), before.size() - old.size());
}

TEST(take_over_test, counts_what_was_counted_before_once) {
  stage x{buffers()};
  const auto counted = *x.open().begin();
  x.answer(counted.first);
  x.fill();
  x.take_over(mixing());
  x.make_version();
  decisions ignored;
  EXPECT_EQ((*x).arrive({counted.first, counted.second.client,
                            counted.second.base, 10, 1},
                    {}, ignored)
                .why,
      drop_reason::duplicate);
}

} // namespace
} // namespace troupe::federated
