// In virtual order: the rule hears of results as the virtual clock has them,
// whatever the real one says.
#include "protocols/federated/virtual_order.hpp"

#include <memory>
#include <optional>
#include <vector>

#include <gmock/gmock.h>

#include "protocols/federated/rule.hpp"
#include "tests/actors/rehearsed_run.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;

/// Remembers of whom it heard, and when.
struct listening : federated::fedavg {
  struct memory {
    std::vector<federated::arrival> came;
    std::vector<instant> at;
    std::size_t failed = 0;
    std::size_t requeued = 0;
  };

  listening() = default;
  explicit listening(std::optional<duration> deadline)
      : fedavg({.rounds = 1}, 1.0),
        ends(deadline),
        remembers(std::make_shared<memory>()) {}

  void begin(
      std::uint64_t incarnation, instant now, federated::decisions& out) {
    fedavg::begin(incarnation, now, out);
    if (ends)
      out.wake = now + *ends;
  }
  federated::verdict arrive(const federated::arrival& update, instant now,
      federated::decisions& out) {
    remembers->came.push_back(update);
    remembers->at.push_back(now);
    return fedavg::arrive(update, now, out);
  }
  void fail(lease_id lease, instant now, federated::decisions& out) {
    ++remembers->failed;
    fedavg::fail(lease, now, out);
  }
  void requeue(lease_id lease, instant now, federated::decisions& out) {
    ++remembers->requeued;
    fedavg::requeue(lease, now, out);
  }
  void wake(instant now, federated::decisions& out) {
    for (lease_id lease = 0; lease < 2; ++lease)
      if (share(lease) > 0.0) {
        out.revoked.push_back(lease);
        fedavg::fail(lease, now, out);
      }
  }

  std::optional<duration> ends;
  std::shared_ptr<memory> remembers;
};

/// Client 0 takes ten seconds, client 1 five.
struct virtual_order_test : rehearsed_run {
  listening rule;

  void begin_two(std::optional<duration> deadline = std::nullopt) {
    rule = listening{deadline};
    auto options = one_round(2);
    options.samples = {10, 5};
    options.rule = rule;
    options.virtual_order = federated::virtual_order{
        {.samples_per_second = 1.0, .work = {.epochs = 1}}, 100};
    begin_run(std::move(options));
  }
  std::vector<client_id> heard() const {
    std::vector<client_id> result;
    for (const auto& each : rule.remembers->came)
      result.push_back(each.client);
    return result;
  }
};

TEST_F(virtual_order_test, is_what_the_rule_hears_of_results_in) {
  begin_two();
  train(0);
  EXPECT_THAT(heard(), testing::IsEmpty());
  EXPECT_TRUE(sums.heard<add>().empty());

  train(1);

  EXPECT_THAT(heard(), testing::ElementsAre(1, 0));
  EXPECT_THAT(
      rule.remembers->at, testing::ElementsAre(instant{5s}, instant{10s}));
  EXPECT_EQ(rule.remembers->came[0].took, 5s);
  EXPECT_EQ(sums.heard<add>().size(), 2u);
  EXPECT_EQ(sums.heard<publish>().size(), 1u);
}

TEST_F(virtual_order_test, has_failures_wait_for_their_turn) {
  begin_two();
  give_up(0, errc::learner_failed);
  EXPECT_EQ(rule.remembers->failed, 0u);

  train(1);

  EXPECT_EQ(rule.remembers->failed, 1u);
  EXPECT_THAT(heard(), testing::ElementsAre(1));
  pass(1s);
  EXPECT_EQ(told<facts::client_failed>().size(), 1u);
}

TEST_F(virtual_order_test, trains_what_was_lost_again_and_asks_nobody) {
  begin_two();
  const auto before = offer_to(0);
  EXPECT_GE(before.lease, 100u);

  kill(before.on == first.as<compute>() ? first : second, "it burnt");
  train(1); // whose slot is free for it

  const auto after = offer_to(0);
  EXPECT_NE(after.lease, before.lease);
  EXPECT_EQ(after.base, before.base);
  EXPECT_EQ(after.parameters, before.parameters);
  EXPECT_EQ(rule.remembers->requeued, 0u);
  train(0);
  EXPECT_THAT(heard(), testing::ElementsAre(1, 0));
  pass(1s);
  EXPECT_EQ(told<facts::requeued>().size(), 1u);
}

TEST_F(virtual_order_test, passes_deadlines_by_its_own_clock) {
  begin_two(7s);
  pass(20s);
  EXPECT_FALSE(is_stopped(0));

  train(1);

  EXPECT_TRUE(is_stopped(0));
  EXPECT_THAT(heard(), testing::ElementsAre(1));
  EXPECT_EQ(sums.heard<publish>().size(), 1u);
}

TEST_F(virtual_order_test, gives_up_what_came_and_will_have_no_turn) {
  begin_two(7s);
  train(0);
  train(1);

  EXPECT_THAT(heard(), testing::ElementsAre(1));
  EXPECT_EQ(sums.heard<add>().size(), 1u);
  pass(1s);
  const auto given_up = told<facts::revoked>();
  ASSERT_EQ(given_up.size(), 1u);
  EXPECT_EQ(given_up[0].client, 0u);
  EXPECT_TRUE(told<facts::dropped>().empty());
}

} // namespace
} // namespace troupe::tests
