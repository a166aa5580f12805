#include "actors/shard.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "tests/support/rehearsal.hpp"

namespace troupe::tests {
namespace {

gpu::shared_buffer block(std::vector<float> values) {
  auto result = std::make_shared<gpu::buffer>(values.size());
  std::copy(values.begin(), values.end(), result->span().begin());
  return result;
}

struct shard_test : testing::Test {
  rehearsal stage;
  extra boss{stage};
  shard sums;

  void spawn(std::uint64_t credit, double rate = 1.0) {
    sums = stage.system().spawn<shard_impl>(shard_options{
        block({1.0f, 2.0f}), rate, credit, boss.as<aggregator>()});
    stage.run();
  }
  void contribute(lease_id lease, std::vector<float> delta) {
    stage.tell(
        sums, add{lease, client_id(lease), block(std::move(delta)), 0.5, 0.5});
  }
  std::vector<float> last_version() {
    auto span = boss.heard<published>().back().parameters->span();
    return {span.begin(), span.end()};
  }
  ~shard_test() override {
    caf::anon_send_exit(sums, caf::exit_reason::user_shutdown);
  }
};

TEST_F(shard_test, publishes_the_average_at_the_servers_rate) {
  spawn(10, 0.5);

  contribute(1, {1.0f, 0.0f});
  contribute(2, {3.0f, 0.0f});
  stage.tell(sums, publish{1});

  EXPECT_EQ(boss.heard<published>().back().version, 1u);
  EXPECT_EQ(last_version(), (std::vector{2.0f, 2.0f}));
}

TEST_F(shard_test, begins_each_version_anew) {
  spawn(10);
  contribute(1, {1.0f, 1.0f});
  stage.tell(sums, publish{1});

  contribute(2, {1.0f, 0.0f});
  stage.tell(sums, publish{2});

  EXPECT_EQ(last_version(), (std::vector{3.0f, 3.0f}));
}

TEST_F(shard_test, refuses_by_name_what_cannot_be_added) {
  spawn(10);

  contribute(7, {std::numeric_limits<float>::quiet_NaN(), 0.0f});
  contribute(8, {1.0f, 0.0f});
  stage.tell(sums, publish{1});

  auto no = boss.heard<refused>();
  ASSERT_EQ(no.size(), 1u);
  EXPECT_EQ(no[0].lease, 7u);
  EXPECT_EQ(no[0].client, 7u);
  EXPECT_EQ(no[0].why, gpu::admission::not_finite);
  EXPECT_EQ(last_version(), (std::vector{2.0f, 2.0f}));
}

TEST_F(shard_test, acknowledges_by_the_handful_and_before_publishing) {
  spawn(2);

  for (lease_id lease = 1; lease <= 5; ++lease)
    contribute(lease, {0.0f, 0.0f});
  EXPECT_EQ(boss.heard<added>().size(), 2u);
  stage.tell(sums, publish{1});

  auto told = boss.heard<added>();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].count, 2u);
  EXPECT_EQ(told[2].count, 1u);
}

TEST_F(shard_test, keeps_the_version_when_nothing_was_added) {
  spawn(1);

  contribute(1, {1.0f, 1.0f});
  stage.tell(sums, discard{});
  stage.tell(sums, publish{1});

  EXPECT_EQ(last_version(), (std::vector{1.0f, 2.0f}));
}

} // namespace
} // namespace troupe::tests
