#include "actors/federated/shard.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/support/devices.hpp"
#include "tests/support/rehearsal.hpp"

namespace troupe::tests {
namespace {

std::shared_ptr<gpu::buffer> block(std::vector<float> values) {
  auto result = std::make_shared<gpu::buffer>(values.size());
  std::copy(values.begin(), values.end(), result->span().begin());
  return result;
}

struct shard_test : testing::TestWithParam<gpu::device> {
  rehearsal stage;
  extra aggregator{stage};
  std::vector<shard> shards;
  gpu::shared_buffer start = block({1.0f, 2.0f});
  gpu::shared_buffer last; ///< version
  named_blocks state;      ///< of it, what the server keeps

  void spawn(std::uint64_t credit, double rate = 1.0, std::size_t count = 1) {
    spawn(credit, gpu::server_options{.lr = rate}, count);
  }
  void spawn(
      std::uint64_t credit, const gpu::server_options& how, std::size_t count) {
    last = start;
    state = initial_blocks(how, start->size());
    for (shard_id i = 0; i < count; ++i)
      shards.push_back(stage.system().spawn<shard_impl>(
          shard_options{start, state, how, credit,
              aggregator.as<troupe::aggregator>(), GetParam(), i, count}));
    stage.run();
  }
  // Trained from `base`, and mixed with the current version.
  void contribute(lease_id lease, std::vector<float> delta,
      gpu::shared_buffer base = nullptr) {
    auto shared = block(std::move(delta));
    for (const auto& one : shards)
      stage.tell(one, add{lease, client_id(lease), shared, 0.5, 0.5, base});
  }
  std::vector<float> publish_version(version_id version, double scale = 1.0,
      const gpu::variate_step& variate = {}) {
    const auto into =
        std::make_shared<next_blocks>(start->size(), state.size());
    const auto& next = into->get();
    std::ranges::fill(next.parameters->span(), -1.0f);
    for (const auto& each : next.state)
      std::ranges::fill(each->span(), -1.0f);
    for (const auto& one : shards)
      stage.tell(one, publish{version, into, scale, variate});
    last = next.parameters;
    for (std::size_t i = 0; i < state.size(); ++i)
      state[i].values = next.state[i];
    const auto values = next.parameters->span();
    return {values.begin(), values.end()};
  }
  ~shard_test() override {
    for (const auto& one : shards)
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  }
};

TEST_P(shard_test, publishes_the_average_at_the_servers_rate) {
  spawn(10, 0.5);
  contribute(1, {1.0f, 0.0f});
  contribute(2, {3.0f, 0.0f});

  EXPECT_EQ(publish_version(7), (std::vector{2.0f, 2.0f}));

  ASSERT_EQ(aggregator.heard<published>().size(), 1u);
  EXPECT_EQ(aggregator.heard<published>()[0].version, 7u);
  EXPECT_EQ(aggregator.heard<published>()[0].shard, 0u);
  EXPECT_EQ(aggregator.heard<published>()[0].step, 1.0f);
}

TEST_P(shard_test, publishes_at_a_part_of_the_servers_rate) {
  spawn(10, 0.5);
  contribute(1, {4.0f, 0.0f});

  EXPECT_EQ(publish_version(1, 0.25), (std::vector{1.5f, 2.0f}));
}

// The product of the rates is a double, rounded with the version alone.
TEST_P(shard_test, rounds_no_rate) {
  spawn(10, 1.0 / 3.0);
  contribute(1, {1.0f, 0.0f});

  EXPECT_EQ(
      publish_version(1, 0.1)[0], static_cast<float>(1.0 + 1.0 / 3.0 * 0.1));
}

TEST_P(shard_test, takes_the_mean_on_as_its_server_does) {
  spawn(10, {.rule = gpu::server_rule::fed_avgm, .momentum = 0.5}, 2);
  contribute(1, {1.0f, 0.0f});
  EXPECT_EQ(publish_version(1), (std::vector{2.0f, 2.0f}));

  contribute(2, {1.0f, 1.0f});
  contribute(3, {1.0f, 1.0f});

  EXPECT_EQ(publish_version(2), (std::vector{3.5f, 3.0f}));
  const auto momentum = state[0].values->span();
  EXPECT_EQ(momentum[0], 1.5f);
  EXPECT_EQ(momentum[1], 1.0f);
}

TEST_P(shard_test, moves_a_variate_by_what_deltas_weigh_in_it) {
  spawn(10,
      {.rule = gpu::server_rule::fed_avgm,
          .momentum = 0.5,
          .variate = gpu::variate_use::corrects},
      2);
  const auto delta = block({1.0f, -4.0f});
  for (const auto& one : shards)
    stage.tell(one, add{1, 1, delta, 0.5, 0.5, nullptr, 0.25});

  EXPECT_EQ(publish_version(1, 1.0, {0.5, 2.0}), (std::vector{2.0f, -2.0f}));

  ASSERT_EQ(state.size(), 2u);
  EXPECT_EQ(state[1].name, "variate");
  EXPECT_EQ(state[1].values->span()[0], 0.5f);
  EXPECT_EQ(state[1].values->span()[1], -2.0f);

  contribute(2, {0.0f, 0.0f});
  publish_version(2, 1.0, {0.5, 2.0});
  EXPECT_EQ(state[1].values->span()[1], -1.0f);
}

TEST_P(shard_test, mixes_a_model_that_was_trained_from_an_older_version) {
  spawn(10, 0.5);
  contribute(1, {1.0f, 0.0f});
  publish_version(1); // 1.5, 2
  const auto third = 1.0f / 3.0f;

  contribute(2, {third, -1.0f}, start);

  const auto beyond = (1.0f + third) - 1.5f;
  EXPECT_EQ(publish_version(2), (std::vector{1.5f + 0.5f * beyond, 1.5f}));
}

// 2^24 + 2.75 is no float: a mixture would lose the delta.
TEST_P(shard_test, adds_the_plain_delta_where_the_base_is_the_current_version) {
  start = block({0x1p24f, 2.0f});
  spawn(10, 4.0);
  contribute(1, {0.5f, 0.0f});
  publish_version(1);

  contribute(2, {0.75f, 0.0f}, last);

  EXPECT_EQ(publish_version(2)[0], 0x1p24f + 4.0f);
}

TEST_P(shard_test, begins_each_version_anew) {
  spawn(10);
  contribute(1, {1.0f, 1.0f});
  publish_version(1);

  contribute(2, {1.0f, 0.0f});

  EXPECT_EQ(publish_version(2), (std::vector{3.0f, 3.0f}));
}

TEST_P(shard_test, acknowledges_by_the_handful_and_before_publishing) {
  spawn(2);

  for (lease_id lease = 1; lease <= 5; ++lease)
    contribute(lease, {0.0f, 0.0f});
  EXPECT_EQ(aggregator.heard<added>().size(), 2u);
  publish_version(1);

  auto told = aggregator.heard<added>();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].checksums.size(), 2u);
  EXPECT_EQ(told[2].checksums.size(), 1u);
}

TEST_P(shard_test, keeps_the_version_when_nothing_was_added) {
  spawn(1);
  contribute(1, {1.0f, 1.0f});
  for (const auto& one : shards)
    stage.tell(one, discard{});

  EXPECT_EQ(publish_version(1), (std::vector{1.0f, 2.0f}));

  EXPECT_EQ(aggregator.heard<published>()[0].step, 0.0f);
}

TEST_P(shard_test, says_where_a_version_is_not_finite) {
  start = block({std::numeric_limits<float>::max(), 2.0f});
  spawn(1, 0x1p127);
  contribute(1, {2.0f, 0.0f});
  publish_version(1);

  EXPECT_TRUE(std::isnan(aggregator.heard<published>()[0].step));
}

// Several versions, mixtures among them, by shards of ranges of any size.
TEST_P(shard_test, has_the_bits_of_one_whatever_the_number_of_shards) {
  constexpr std::size_t size = 23;
  const auto values = [](std::size_t seed) {
    std::vector<float> result;
    for (std::size_t i = 0; i < size; ++i)
      result.push_back(std::sin(static_cast<float>(seed * size + i)));
    return result;
  };
  std::vector<std::vector<float>> expected;
  for (std::size_t count : {1u, 2u, 4u, 7u, 23u, 31u}) {
    start = block(values(0));
    shards.clear();
    spawn(3, 0.7, count);
    std::vector<std::vector<float>> found;
    for (version_id version = 1; version <= 3; ++version) {
      for (lease_id lease = 1; lease <= 4; ++lease)
        contribute(
            lease, values(10 * version + lease), lease == 4 ? start : nullptr);
      found.push_back(publish_version(version, 0.5));
    }
    if (expected.empty())
      expected = found;

    EXPECT_EQ(found, expected) << count;
    for (const auto& one : shards)
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  }
}

INSTANTIATE_TEST_SUITE_P(devices, shard_test, testing::ValuesIn(test_devices()),
    [](const auto& of) { return name(of.param); });

} // namespace
} // namespace troupe::tests
