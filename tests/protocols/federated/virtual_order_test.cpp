// A rule that hears of its leases in virtual order decides the same, whatever
// comes first, is lost on the way, or dies and goes on.
#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/random.hpp"
#include "protocols/federated/fedasync.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"
#include "protocols/federated/saved_rule.hpp"
#include "protocols/federated/virtual_order.hpp"

namespace troupe::federated {
namespace {

using namespace std::chrono_literals;

constexpr client_id clients = 12;

settings common(std::uint64_t seed) {
  return {
      .seed = seed, .rounds = 8, .weigh_samples = false, .keeps_leases = true};
}

pace uneven(std::uint64_t seed) {
  return {.seed = seed,
      .samples_per_second = 100.0,
      .spread = 1.0,
      .jitter = 0.3,
      .work = {.epochs = 2}};
}

using rule_maker = rule (*)(std::uint64_t seed);

rule buffered(std::uint64_t seed) {
  return fedbuff{common(seed), 3, 5, 2};
}
rule mixed(std::uint64_t seed) {
  return fedasync{common(seed), 0.6, staleness_function{}, 4, 3};
}
rule averaged(std::uint64_t seed) {
  return fedavg{common(seed), 0.4};
}

rule punctual(std::uint64_t seed) {
  return fedavg{common(seed), 0.6, 1.5, deadline{duration{}, 1.0}};
}

/// What a rule heard of, and what it made of it.
struct heard {
  client_id client = 0;
  version_id base = 0;
  version_id version = 0; ///< as it was heard
  instant at{};
  double weight = 0.0;
  friend bool operator==(const heard&, const heard&) = default;
};

/// What may go wrong with a crowd, in percent of its steps.
struct mess {
  std::uint64_t seed = 0;
  std::uint32_t lost = 0;
  std::uint32_t doubled = 0;
  std::uint32_t kills = 0; ///< of published versions
};

/// Trains leases in any order.
class crowd {
public:
  crowd(std::uint64_t seed, rule_maker make, mess with)
      : seed_(seed), make_(make), mess_(with), random_(with.seed, 77) {}

  std::vector<heard> run() {
    start(nullptr);
    for (int steps = 0; !ended_ && steps < 10'000; ++steps)
      step();
    EXPECT_TRUE(ended_) << "it hangs";
    EXPECT_EQ(order_->open(), 0u);
    return std::move(all_);
  }

private:
  void start(const caf::byte_buffer* from) {
    rule_ = make_(seed_);
    order_ = virtual_order{uneven(seed_), first_lease(incarnation_)};
    if (from)
      ASSERT_TRUE(load(*from, rule_, order_));
    training_.clear();
    for (client_id i = 0; i < clients; ++i) {
      order_->join(i, 10 + i % 3);
      rule_.join(i, 10 + i % 3, order_->now(), out_);
    }
    rule_.begin(incarnation_++, order_->now(), out_);
    for (const auto& each : order_->resume()) {
      const auto rules_id = order_->rules_id(each.lease);
      if (rule_.share(rules_id) > 0.0)
        training_.push_back(each);
      else
        order_->end(rules_id);
    }
    carry_out();
  }

  bool happens(std::uint32_t percent) { return random_.below(100) < percent; }

  void step() {
    if (training_.empty())
      return take_turns();
    const auto at = training_.begin() +
                    random_.below(static_cast<std::uint32_t>(training_.size()));
    const auto one = *at;
    training_.erase(at);
    if (happens(mess_.lost)) {
      const auto again = order_->again(one.lease);
      ASSERT_TRUE(again);
      EXPECT_EQ(again->base, one.base);
      training_.push_back(*again);
    } else {
      EXPECT_TRUE(order_->came(one.lease));
      if (happens(mess_.doubled))
        EXPECT_FALSE(order_->came(one.lease));
    }
    take_turns();
  }

  void take_turns() {
    while (const auto turn = order_->next()) {
      if (!turn->lease) {
        rule_.wake(order_->now(), out_);
      } else {
        const auto version = rule_.version();
        const auto over = order_->end(*turn->lease);
        ASSERT_TRUE(over);
        const auto how = rule_.arrive(
            {.lease = *turn->lease, .client = over->client, .base = over->base},
            order_->now(), out_);
        ASSERT_TRUE(how.accepted());
        all_.push_back(
            {over->client, over->base, version, order_->now(), how.weight});
      }
      carry_out();
    }
  }

  void carry_out() {
    const auto todo = std::exchange(out_, {});
    for (auto lease : todo.revoked)
      if (const auto over = order_->end(lease))
        std::erase_if(training_,
            [&](const grant& x) { return x.lease == over->trained_as; });
    for (const auto& each : todo.grants)
      training_.push_back(order_->begin(each));
    if (todo.wake)
      order_->wake_at(*todo.wake);
    ended_ = ended_ || todo.end;
    if (!todo.publish)
      return;
    const auto state = save(rule_, order_);
    if (happens(mess_.kills))
      return start(&state);
    rule_.published(order_->now(), out_);
    carry_out();
  }

  std::uint64_t seed_;
  rule_maker make_;
  mess mess_;
  gpu::random_stream random_;
  rule rule_;
  std::optional<virtual_order> order_;
  decisions out_;
  std::vector<grant> training_;
  std::vector<heard> all_;
  std::uint64_t incarnation_ = 0;
  bool ended_ = false;
};

class virtual_order_test : public testing::TestWithParam<rule_maker> {};

TEST_P(virtual_order_test, decides_the_same_whatever_comes_first) {
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    const auto expected = crowd{seed, GetParam(), {.seed = 1}}.run();
    ASSERT_GE(expected.size(), 8u);
    for (std::uint64_t other = 2; other < 5; ++other)
      ASSERT_EQ(
          (crowd{seed, GetParam(), {.seed = other, .lost = 10, .doubled = 10}}
                  .run()),
          expected)
          << "seed " << seed;
  }
}

TEST_P(virtual_order_test, goes_on_behind_any_crash_as_if_there_was_none) {
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    const auto expected = crowd{seed, GetParam(), {.seed = 1}}.run();
    for (std::uint64_t other = 2; other < 5; ++other)
      ASSERT_EQ(
          (crowd{seed, GetParam(), {.seed = other, .lost = 5, .kills = 60}}
                  .run()),
          expected)
          << "seed " << seed;
  }
}

// What the tests above would not miss.
TEST(virtual_order_test, goes_another_way_where_leases_are_not_kept) {
  const rule_maker forgetful = [](std::uint64_t seed) -> rule {
    auto how = common(seed);
    how.keeps_leases = false;
    return fedbuff{how, 3, 5, 2};
  };
  int other_ways = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    other_ways += crowd{seed, forgetful, {.seed = 1}}.run() !=
                  crowd{seed, forgetful, {.seed = 1, .kills = 60}}.run();
  EXPECT_GT(other_ways, 10);
}

INSTANTIATE_TEST_SUITE_P(of, virtual_order_test,
    testing::Values(buffered, mixed, averaged, punctual));

TEST(virtual_order_test, hears_of_the_fastest_first) {
  virtual_order order{{.samples_per_second = 10.0, .work = {}}, 100};
  order.join(0, 50);
  order.join(1, 20);
  const auto slow = order.begin({.lease = 0, .client = 0});
  const auto fast = order.begin({.lease = 1, .client = 1});
  EXPECT_EQ(slow.lease, 100u);

  EXPECT_TRUE(order.came(slow.lease));
  EXPECT_FALSE(order.next()) << "the faster one is waited for";
  EXPECT_TRUE(order.came(fast.lease));

  const auto first = order.next();
  ASSERT_TRUE(first && first->lease);
  EXPECT_EQ(*first->lease, 1u);
  EXPECT_EQ(first->took, 2s);
  EXPECT_EQ(order.now(), instant{2s});
  order.end(1);
  EXPECT_EQ(order.next()->took, 5s);
  EXPECT_EQ(order.now(), instant{5s});
}

TEST(virtual_order_test,
    wakes_before_what_comes_later_and_behind_what_does_not) {
  virtual_order order{{.samples_per_second = 1.0, .work = {}}, 0};
  order.join(0, 3);
  order.join(1, 5);
  order.came(order.begin({.lease = 0, .client = 0}).lease);
  order.begin({.lease = 1, .client = 1});
  order.wake_at(instant{3s});

  EXPECT_TRUE(order.next()->lease);
  order.end(0);
  EXPECT_FALSE(order.next()->lease);
  EXPECT_EQ(order.now(), instant{3s});
  EXPECT_FALSE(order.next()) << "it woke once";
}

TEST(virtual_order_test, knows_nothing_of_leases_that_are_over) {
  virtual_order order{{}, 0};
  const auto one = order.begin({.lease = 7, .client = 0});
  EXPECT_EQ(order.bases(), (std::vector<version_id>{0}));

  const auto again = order.again(one.lease);
  ASSERT_TRUE(again);
  EXPECT_FALSE(order.came(one.lease)) << "it is trained under another id";
  EXPECT_FALSE(order.again(one.lease));
  EXPECT_TRUE(order.end(7));
  EXPECT_FALSE(order.end(7));
  EXPECT_FALSE(order.came(again->lease));
  EXPECT_TRUE(order.bases().empty());
}

TEST(pace_test, follows_from_client_version_and_work) {
  const pace even{.samples_per_second = 20.0, .work = {.epochs = 3}};
  EXPECT_EQ(even.of({.client = 4}, 40), 6s);
  EXPECT_EQ(even.of({.client = 4, .work = 1}, 40), 2s);
  EXPECT_EQ(even.of({.client = 4}, 0), 150ms) << "no samples cost one";

  const pace steps{
      .samples_per_second = 20.0, .work = {.steps = 4, .batch = 10}};
  EXPECT_EQ(steps.of({}, 1'000), 2s);

  const auto some = uneven(3);
  EXPECT_EQ(some.of({.client = 2, .base = 5}, 9),
      some.of({.lease = 8, .client = 2, .base = 5}, 9));
  EXPECT_NE(some.of({.client = 2, .base = 5}, 9),
      some.of({.client = 2, .base = 6}, 9));
  EXPECT_NE(some.speed(2), some.speed(3));
}

TEST(pace_test, has_the_spread_that_it_says) {
  const pace some{
      .seed = 5, .samples_per_second = 100.0, .spread = 0.5, .work = {}};
  double sum = 0.0, squares = 0.0;
  constexpr int count = 10'000;
  for (client_id i = 0; i < count; ++i) {
    const auto log = std::log(some.speed(i) / 100.0);
    sum += log;
    squares += log * log;
  }
  EXPECT_NEAR(sum / count, 0.0, 0.02);
  EXPECT_NEAR(std::sqrt(squares / count), 0.5, 0.02);
}

TEST(pace_test, has_the_part_of_slow_clients_that_it_says) {
  pace some{.seed = 5, .samples_per_second = 100.0, .slow = 0.1, .work = {}};
  for (client_id row = 0; row < 100; ++row) {
    int slow = 0;
    for (client_id i = 0; i < 10; ++i)
      slow += some.speed(10 * row + i) == 10.0;
    EXPECT_EQ(slow, 1) << row;
  }
  int same_place = 0;
  for (client_id row = 0; row < 1000; ++row)
    same_place += some.is_slow(10 * row + 3);
  EXPECT_NEAR(same_place, 100, 40) << "they go by the seed, not by the place";

  some.slow_by = 4.0;
  some.slow = 1.0;
  EXPECT_EQ(some.speed(7), 25.0);
  some.slow = 0.3;
  int slow = 0;
  for (client_id i = 0; i < 10'000; ++i)
    slow += some.is_slow(i);
  EXPECT_NEAR(slow, 3'000, 100);
}

// Twenty samples a second, batches of ten: two steps a second.
TEST(pace_test, knows_how_many_steps_a_lease_has_time_for) {
  const pace some{
      .samples_per_second = 20.0, .work = {.epochs = 3, .batch = 10}};
  const instant now{100s};
  const grant timed{.client = 1, .send_by = now + 4s};
  EXPECT_EQ(some.steps_in_time(timed, 40, now), 8u) << "of twelve";
  EXPECT_EQ(some.steps_in_time(timed, 20, now), 0u) << "all six fit";
  EXPECT_EQ(some.steps_in_time(timed, 40, now + 3900ms), 1u) << "at least one";
  EXPECT_EQ(some.steps_in_time(timed, 40, now + 9s), 1u);
  EXPECT_EQ(some.steps_in_time({.client = 1}, 40, now), 0u);
  EXPECT_EQ(some.of({.client = 1, .most_steps = 8}, 40), 4s);
  EXPECT_EQ(some.of({.client = 1, .most_steps = 99}, 40), 6s);

  auto by_time = some;
  by_time.work.seconds = 2.5f;
  EXPECT_EQ(by_time.steps_in_time({.client = 1}, 40, now), 5u);
  EXPECT_EQ(by_time.steps_in_time(timed, 40, now), 5u);
}

TEST(virtual_order_test, grants_so_many_steps_as_there_is_time_for) {
  virtual_order order{
      {.samples_per_second = 20.0, .work = {.epochs = 3, .batch = 10}}, 100};
  order.join(2, 40);
  const auto given =
      order.begin({.lease = 7, .client = 2, .send_by = instant{4s}});

  EXPECT_EQ(given.most_steps, 8u);
  EXPECT_EQ(given.send_by, instant{}) << "its clock is nobody else's";
  const auto again = order.again(given.lease);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->most_steps, 8u);
  EXPECT_TRUE(order.came(again->lease));
  EXPECT_TRUE(order.next());
  EXPECT_EQ(order.now(), instant{4s}) << "it is in time";
}

// Thirty years a lease, and no sum of them wraps.
TEST(virtual_order_test, ends_where_its_clock_does) {
  virtual_order order{{.samples_per_second = 1e-300, .work = {}}, 100};
  for (lease_id lease = 0; lease < 20; ++lease) {
    const auto before = order.now();
    const auto given = order.begin({.lease = lease});
    EXPECT_TRUE(order.came(given.lease));
    const auto turn = order.next();
    ASSERT_TRUE(turn);
    EXPECT_GE(order.now(), before);
    EXPECT_GE(turn->took, duration{});
    EXPECT_TRUE(order.end(lease));
  }
  EXPECT_GT(seconds(order.now().time_since_epoch()), 3e9);
}

} // namespace
} // namespace troupe::federated
