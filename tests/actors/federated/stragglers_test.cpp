// Rounds that do not wait for everybody, by a clock that the test moves.

#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "protocols/errc.hpp"
#include "protocols/federated/fedavg.hpp"
#include "tests/actors/rehearsed_run.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;

/// Two rounds of two clients on a slot each.
struct stragglers_test : rehearsed_run {
  void begin_with(federated::fedavg rule) {
    auto options = one_round(2);
    options.rule = std::move(rule);
    begin_run(std::move(options));
  }
  static federated::fedavg within(duration limit, std::uint64_t least = 1) {
    return {{.rounds = 2, .min_updates = least}, 1.0, 1.0,
        federated::deadline{limit}};
  }
  /// Trains from the version that it was offered.
  void answer(client_id client) {
    const auto at = offer_to(client);
    stage.tell(aggregator,
        update{client, {at.lease, at.base, {10, 1, 0.5}, 0.1, 0.1,
                           std::make_shared<const gpu::buffer>(1)}});
    stage.tell(aggregator, added{0, {0}});
  }
  std::size_t versions_asked() const { return sums.heard<publish>().size(); }
};

TEST_F(stragglers_test, are_left_behind_when_the_deadline_is_over) {
  begin_with(within(3s));
  train(0);

  pass(2900ms);
  EXPECT_EQ(versions_asked(), 0u);
  EXPECT_FALSE(is_stopped(1));
  pass(300ms);

  EXPECT_EQ(versions_asked(), 1u);
  EXPECT_TRUE(is_stopped(1));
  const auto given_up = told<facts::revoked>();
  ASSERT_EQ(given_up.size(), 1u);
  EXPECT_EQ(given_up[0].client, 1u);
}

TEST_F(stragglers_test, train_again_in_the_next_round_and_have_not_failed) {
  begin_with(within(3s));
  train(0);
  pass(3100ms);
  const auto missed = offer_to(1).lease;

  give_up(1, errc::stopped);
  make_version();
  pass(100ms);

  EXPECT_NE(offer_to(1).lease, missed);
  EXPECT_EQ(offer_to(1).base, 1u);
  answer(0);
  answer(1);
  EXPECT_EQ(versions_asked(), 2u);
  stage.tell(aggregator, published{2});
  pass(300ms);
  EXPECT_TRUE(told<facts::client_failed>().empty());
  EXPECT_TRUE(told<facts::slot_lost>().empty());
  EXPECT_EQ(told<facts::accepted>().size(), 3u);
}

TEST_F(stragglers_test, come_too_late_behind_the_close) {
  begin_with(within(3s));
  train(0);
  pass(3100ms);

  finish(1);
  make_version();
  pass(100ms);

  const auto dropped = told<facts::dropped>();
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped[0].client, 1u);
  EXPECT_EQ(dropped[0].why, federated::drop_reason::late);
  EXPECT_EQ(offer_to(1).base, 1u);
}

TEST_F(stragglers_test, are_waited_for_while_updates_are_missing) {
  begin_with(within(3s, 2));
  train(0);

  pass(10s);
  EXPECT_EQ(versions_asked(), 0u);
  EXPECT_FALSE(is_stopped(1));
  train(1);

  EXPECT_EQ(versions_asked(), 1u);
}

TEST_F(stragglers_test, are_revoked_once_enough_have_answered) {
  begin_with(federated::fedavg{{.rounds = 2}, 0.5, 2.0});

  train(1);

  EXPECT_EQ(versions_asked(), 1u);
  EXPECT_TRUE(is_stopped(0));
  pass(100ms);
  ASSERT_EQ(told<facts::round_started>().size(), 1u);
  EXPECT_EQ(told<facts::revoked>().size(), 1u);
}

} // namespace
} // namespace troupe::tests
