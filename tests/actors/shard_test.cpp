#include "actors/shard.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "tests/support/devices.hpp"
#include "tests/support/rehearsal.hpp"

namespace troupe::tests {
namespace {

gpu::shared_buffer block(std::vector<float> values) {
  auto result = std::make_shared<gpu::buffer>(values.size());
  std::copy(values.begin(), values.end(), result->span().begin());
  return result;
}

struct shard_test : testing::TestWithParam<gpu::device> {
  rehearsal stage;
  extra boss{stage};
  shard sums;
  gpu::shared_buffer start = block({1.0f, 2.0f});

  void spawn(std::uint64_t credit, double rate = 1.0) {
    sums = stage.system().spawn<shard_impl>(
        shard_options{start, rate, credit, boss.as<aggregator>(), GetParam()});
    stage.run();
  }
  void contribute(lease_id lease, std::vector<float> delta) {
    stage.tell(
        sums, add{lease, client_id(lease), block(std::move(delta)), 0.5, 0.5});
  }
  // Trained from `base`, and mixed with the current version.
  void mix(lease_id lease, std::vector<float> delta, gpu::shared_buffer base) {
    stage.tell(sums, add{lease, client_id(lease), block(std::move(delta)), 0.5,
                         0.5, std::move(base)});
  }
  std::vector<float> last_version() {
    auto span = boss.heard<published>().back().parameters->span();
    return {span.begin(), span.end()};
  }
  ~shard_test() override {
    caf::anon_send_exit(sums, caf::exit_reason::user_shutdown);
  }
};

TEST_P(shard_test, publishes_the_average_at_the_servers_rate) {
  spawn(10, 0.5);

  contribute(1, {1.0f, 0.0f});
  contribute(2, {3.0f, 0.0f});
  stage.tell(sums, publish{1});

  EXPECT_EQ(boss.heard<published>().back().version, 1u);
  EXPECT_EQ(last_version(), (std::vector{2.0f, 2.0f}));
}

TEST_P(shard_test, publishes_at_a_part_of_the_servers_rate) {
  spawn(10, 0.5);
  contribute(1, {4.0f, 0.0f});

  stage.tell(sums, publish{1, 0.25});

  EXPECT_EQ(last_version(), (std::vector{1.5f, 2.0f}));
}

// The product of the rates is a double, rounded with the version alone.
TEST_P(shard_test, rounds_no_rate) {
  spawn(10, 1.0 / 3.0);
  contribute(1, {1.0f, 0.0f});

  stage.tell(sums, publish{1, 0.1});

  EXPECT_EQ(last_version()[0], static_cast<float>(1.0 + 1.0 / 3.0 * 0.1));
}

TEST_P(shard_test, mixes_a_model_that_was_trained_from_an_older_version) {
  spawn(10, 0.5);
  contribute(1, {1.0f, 0.0f});
  stage.tell(sums, publish{1}); // 1.5, 2
  const auto third = 1.0f / 3.0f;

  mix(2, {third, -1.0f}, start);
  stage.tell(sums, publish{2});

  const auto beyond = (1.0f + third) - 1.5f;
  EXPECT_EQ(last_version(), (std::vector{1.5f + 0.5f * beyond, 1.5f}));
}

// 2^24 + 2.75 is no float: a mixture would lose the delta.
TEST_P(shard_test, adds_the_plain_delta_where_the_base_is_the_current_version) {
  start = block({0x1p24f, 2.0f});
  spawn(10, 4.0);
  contribute(1, {0.5f, 0.0f});
  stage.tell(sums, publish{1});
  auto current = boss.heard<published>().back().parameters;

  mix(2, {0.75f, 0.0f}, current);
  stage.tell(sums, publish{2});

  EXPECT_EQ(last_version()[0], 0x1p24f + 4.0f);
}

TEST_P(shard_test, begins_each_version_anew) {
  spawn(10);
  contribute(1, {1.0f, 1.0f});
  stage.tell(sums, publish{1});

  contribute(2, {1.0f, 0.0f});
  stage.tell(sums, publish{2});

  EXPECT_EQ(last_version(), (std::vector{3.0f, 3.0f}));
}

TEST_P(shard_test, refuses_by_name_what_cannot_be_added) {
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

TEST_P(shard_test, acknowledges_by_the_handful_and_before_publishing) {
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

TEST_P(shard_test, keeps_the_version_when_nothing_was_added) {
  spawn(1);

  contribute(1, {1.0f, 1.0f});
  stage.tell(sums, discard{});
  stage.tell(sums, publish{1});

  EXPECT_EQ(last_version(), (std::vector{1.0f, 2.0f}));
}

INSTANTIATE_TEST_SUITE_P(devices, shard_test, testing::ValuesIn(test_devices()),
    [](const auto& of) { return name(of.param); });

} // namespace
} // namespace troupe::tests
