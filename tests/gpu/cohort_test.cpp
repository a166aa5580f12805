#include "gpu/training/cohort.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "gpu/copy.hpp"
#include "gpu/training/trainer.hpp"
#include "tests/gpu/samples.hpp"
#include "tests/support/devices.hpp"

namespace troupe::training {
namespace {

using ::testing::HasSubstr;
using testing::random_samples;

const models::model small{
    .name = "small",
    .shape = {1, 6, 7},
    .classes = 4,
    .layers = {models::conv2d{3, 3, 1}, models::relu{}, models::max_pool{2},
        models::flatten{}, models::linear{4}},
};

gpu::shared_buffer start_of(const models::model& what, std::uint64_t seed) {
  const auto learner = trainer(what)({});
  auto block = std::make_shared<gpu::buffer>(gpu::size(learner->layout()));
  learner->initialise(block->span(), seed);
  return block;
}

/// Client `client` has 11 + 3 * client of the samples.
assignment work_of(std::uint64_t client, recipe how) {
  static const auto all = random_samples(200, {1, 6, 7}, 4);
  std::vector<std::uint32_t> mine(11 + 3 * client);
  std::iota(mine.begin(), mine.end(), std::uint32_t(client));
  return {.client = client,
      .version = client % 3,
      .data = view{all.shared_set(), std::move(mine)},
      .how = how,
      .random = gpu::random_stream{1, gpu::stream::train, client}};
}

std::vector<float> on_host(cohort& from, const gpu::shared_buffer& block) {
  std::vector<float> result(block->size());
  gpu::copy<float>(from.stream(), block->span(), result);
  from.stream().synchronise();
  return result;
}

/// Lanes that are through after some more steps.
std::vector<std::size_t> reached(cohort& lanes) {
  auto result = lanes.advance(50);
  lanes.stream().synchronise();
  return result;
}

struct made {
  outcome sums;
  std::vector<float> delta;
};

made taken(cohort& from, std::size_t lane) {
  const auto [sums, delta, largest] = from.take(lane);
  made result{sums, on_host(from, delta)};
  auto most = 0.0f;
  for (auto x : result.delta)
    most = std::max(most, std::abs(x));
  EXPECT_EQ(largest, most);
  return result;
}

/// Sends `clients` through the lanes, each as soon as one is free.
std::map<std::uint64_t, made> train_all(cohort& by,
    const gpu::shared_buffer& given, const std::vector<std::uint64_t>& clients,
    const recipe& how, std::size_t steps = 3) {
  std::map<std::uint64_t, made> result;
  std::map<std::size_t, std::uint64_t> inside;
  std::size_t next = 0;
  while (next < clients.size() || !inside.empty()) {
    for (std::size_t lane = by.lanes(); lane-- > 0;)
      if (!by.busy(lane) && next < clients.size()) {
        by.enter(lane, given, work_of(clients[next], how));
        inside[lane] = clients[next++];
      }
    const auto through = by.advance(steps);
    by.stream().synchronise();
    for (auto lane : through) {
      result[inside.extract(lane).mapped()] = taken(by, lane);
    }
  }
  return result;
}

/// What the one-client trainer makes of the same assignment.
made train_alone(
    const gpu::shared_buffer& given, std::uint64_t client, const recipe& how) {
  const auto learner = trainer(small)({});
  made result;
  result.delta.assign(given->span().begin(), given->span().end());
  result.sums = learner->train(result.delta, work_of(client, how), {});
  for (std::size_t i = 0; i < result.delta.size(); ++i)
    result.delta[i] -= given->span()[i];
  return result;
}

const std::vector<std::uint64_t> crowd{4, 0, 9, 2, 7, 1, 13};

/// A CPU gives the trainer's own bits, other devices come near.
void expect_trained(
    const made& here, const made& alone, gpu::device where, double bound) {
  EXPECT_EQ(here.sums.steps, alone.sums.steps);
  EXPECT_EQ(here.sums.samples, alone.sums.samples);
  EXPECT_NEAR(here.sums.loss, alone.sums.loss, bound);
  EXPECT_NEAR(here.sums.square_loss, alone.sums.square_loss, 10.0 * bound);
  if (where == gpu::device{}) {
    EXPECT_EQ(here.delta, alone.delta);
    return;
  }
  auto apart = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < alone.delta.size(); ++i) {
    apart += std::pow(double(here.delta[i]) - double(alone.delta[i]), 2);
    norm += std::pow(double(alone.delta[i]), 2);
  }
  EXPECT_LE(std::sqrt(apart), bound * std::sqrt(norm));
}

class cohort_test : public ::testing::TestWithParam<gpu::device> {};

INSTANTIATE_TEST_SUITE_P(devices, cohort_test,
    ::testing::ValuesIn(tests::test_devices()),
    [](const auto& p) { return tests::name(p.param); });

class cohort_recipe_test
    : public ::testing::TestWithParam<std::tuple<gpu::device, recipe>> {};

INSTANTIATE_TEST_SUITE_P(recipes, cohort_recipe_test,
    ::testing::Combine(::testing::ValuesIn(tests::test_devices()),
        ::testing::Values(recipe{.epochs = 2, .batch = 5},
            recipe{.steps = 7, .batch = 4, .lr_decay = 0.5f},
            recipe{.epochs = 2, .batch = 5, .weight_decay = 0.01f},
            recipe{.epochs = 2, .batch = 5, .momentum = 0.9f},
            recipe{.batch = 5,
                .momentum = 0.5f,
                .weight_decay = 0.1f,
                .clip = 0.5f},
            recipe{.epochs = 2, .batch = 5, .method = "fedprox", .mu = 0.5f},
            recipe{.epochs = 2,
                .batch = 5,
                .momentum = 0.5f,
                .weight_decay = 0.1f,
                .clip = 0.5f,
                .method = "fedprox",
                .mu = 2.0f})));

TEST_P(cohort_recipe_test, trains_each_client_as_if_it_were_alone) {
  const auto [where, how] = GetParam();
  const auto given = start_of(small, 1);
  cohort lanes{small, where, 3, how};

  const auto together = train_all(lanes, given, crowd, how);

  ASSERT_EQ(together.size(), crowd.size());
  for (const auto& [client, here] : together) {
    SCOPED_TRACE(client);
    expect_trained(here, train_alone(given, client, how), where, 1e-4);
  }
}

TEST_P(cohort_recipe_test, gives_the_same_bits_in_any_company) {
  const auto [where, how] = GetParam();
  const auto given = start_of(small, 1);
  cohort few{small, where, 3, how};
  cohort one{small, where, 1, how};
  const auto together = train_all(few, given, crowd, how, 3);

  const auto apart = train_all(one, given, {7, 2, 13}, how, 1000);

  for (const auto& [client, alone] : apart) {
    EXPECT_EQ(together.at(client).delta, alone.delta) << "client " << client;
    EXPECT_EQ(together.at(client).sums.loss, alone.sums.loss);
    EXPECT_EQ(together.at(client).sums.square_loss, alone.sums.square_loss);
  }
}

// Where a pool has two values that round to one, another place learns: a few
// steps of a small model may be far apart, what they reach is not. A client's
// bits are its own in bf16 as well.
TEST_P(cohort_recipe_test, trains_in_bf16_nearly_as_in_fp32) {
  const auto [where, how] = GetParam();
  const auto bf16 = gpu::precision::bf16;
  if (where == gpu::device{}) {
    EXPECT_THROW((cohort{small, where, 1, how, bf16}), std::invalid_argument);
    return;
  }
  const auto given = start_of(small, 1);
  cohort lanes{small, where, 3, how, bf16};
  cohort one{small, where, 1, how, bf16};

  const auto together = train_all(lanes, given, crowd, how);
  const auto apart = train_all(one, given, {7, 2}, how, 1000);

  for (const auto& [client, here] : together) {
    SCOPED_TRACE(client);
    const auto alone = train_alone(given, client, how);
    EXPECT_NEAR(here.sums.loss, alone.sums.loss, 1e-2);
    EXPECT_NE(here.sums.loss, alone.sums.loss);
    expect_trained(here, alone, where, 0.2);
  }
  for (const auto& [client, alone] : apart)
    EXPECT_EQ(together.at(client).delta, alone.delta) << "client " << client;
}

TEST_P(cohort_test, cuts_large_batches_into_parts) {
  const recipe how{.epochs = 1, .batch = 0};
  const auto all = random_samples(40, {1, 28, 28}, 10);
  const models::model what{
      .name = "wide",
      .shape = {1, 28, 28},
      .classes = 10,
      .layers = {models::conv2d{64, 1, 0}, models::max_pool{14},
          models::flatten{}, models::linear{10}},
  };
  const auto given = start_of(what, 1);
  cohort lanes{what, GetParam(), 1, how};
  const assignment work{.data = all, .how = how};

  lanes.enter(0, given, work);
  EXPECT_EQ(lanes.advance(1), std::vector<std::size_t>{});
  while (lanes.advance(100).empty()) {
  }
  lanes.stream().synchronise();
  const auto here = taken(lanes, 0);

  made alone{{}, {given->span().begin(), given->span().end()}};
  alone.sums = trainer(what)({})->train(alone.delta, work, {});
  for (std::size_t i = 0; i < alone.delta.size(); ++i)
    alone.delta[i] -= given->span()[i];
  expect_trained(here, alone, {gpu::device_kind::cuda}, 1e-4);
}

TEST_P(cohort_test, drops_what_a_lane_is_at) {
  const recipe how{.epochs = 4, .batch = 5};
  const auto given = start_of(small, 1);
  cohort lanes{small, GetParam(), 2, how};
  lanes.enter(0, given, work_of(3, how));
  lanes.enter(1, given, work_of(5, how));
  lanes.advance(2);

  lanes.leave(0);
  EXPECT_FALSE(lanes.busy(0));
  lanes.enter(0, given, work_of(6, how));
  std::vector<std::size_t> through;
  std::vector<made> results(2);
  while (lanes.busy(0) || lanes.busy(1))
    for (auto lane : reached(lanes)) {
      results[lane] = taken(lanes, lane);
    }

  expect_trained(results[0], train_alone(given, 6, how), GetParam(), 1e-4);
  expect_trained(results[1], train_alone(given, 5, how), GetParam(), 1e-4);
}

TEST_P(cohort_test, a_diverged_client_fails_alone) {
  const recipe how{.epochs = 6, .batch = 5, .lr = 0.5f};
  auto sound = start_of(small, 1);
  auto broken = std::make_shared<gpu::buffer>(sound->size());
  std::fill(broken->span().begin(), broken->span().end(), 1e30f);
  cohort lanes{small, GetParam(), 2, how};
  lanes.enter(0, broken, work_of(1, how));
  lanes.enter(1, sound, work_of(2, how));

  std::string said;
  made good;
  while (lanes.busy(0) || lanes.busy(1))
    for (auto lane : reached(lanes))
      try {
        good = taken(lanes, lane);
      } catch (const std::runtime_error& e) {
        said = e.what();
        EXPECT_EQ(lane, 0u);
      }

  EXPECT_THAT(said, HasSubstr("at version 1, the loss of step 1 is"));
  expect_trained(good, train_alone(sound, 2, how), GetParam(), 1e-3);
}

TEST_P(cohort_test, scores_as_the_trainer_does) {
  const auto given = start_of(small, 5);
  const auto all = random_samples(700, {1, 6, 7}, 4);
  cohort lanes{small, GetParam(), 2, {}};

  lanes.score(given, all);
  lanes.score(given, all.slice(13, 1));
  lanes.score(given, all.slice(0, 0));
  lanes.stream().synchronise();

  const auto expected = trainer(small)({})->evaluate(given->span(), all, {});
  const auto whole = lanes.take_score();
  EXPECT_EQ(whole.samples, 700u);
  EXPECT_EQ(whole.correct, expected.correct);
  EXPECT_NEAR(whole.loss_sum, expected.loss_sum, 1e-3);
  EXPECT_EQ(lanes.take_score().samples, 1u);
  EXPECT_EQ(lanes.take_score().samples, 0u);
}

TEST_P(cohort_test, leaves_a_client_without_samples_as_it_was) {
  const recipe how{.batch = 5};
  const auto given = start_of(small, 1);
  cohort lanes{small, GetParam(), 2, how};
  auto empty = work_of(1, how);
  empty.data = empty.data.slice(0, 0);
  lanes.enter(0, given, work_of(2, how));
  lanes.enter(1, given, empty);

  EXPECT_EQ(reached(lanes), std::vector<std::size_t>{1});
  const auto here = taken(lanes, 1);
  EXPECT_EQ(reached(lanes), std::vector<std::size_t>{0});

  EXPECT_EQ(here.sums.samples, 0u);
  EXPECT_EQ(here.sums.steps, 0u);
  EXPECT_EQ(here.delta, std::vector<float>(given->size()));
}

TEST_P(cohort_test, trains_each_lane_as_much_as_it_is_asked) {
  const auto given = start_of(small, 3);
  const recipe how{.epochs = 1, .batch = 5};
  const std::vector<recipe> amounts{
      how, {.epochs = 4, .batch = 5}, {.steps = 7, .batch = 5}};
  cohort lanes{small, GetParam(), amounts.size(), how};
  for (std::size_t lane = 0; lane < amounts.size(); ++lane)
    lanes.enter(lane, given, work_of(lane, amounts[lane]));

  for (std::size_t left = amounts.size(); left > 0;)
    for (auto lane : reached(lanes)) {
      expect_trained(taken(lanes, lane),
          train_alone(given, lane, amounts[lane]), GetParam(), 1e-4);
      --left;
    }
}

TEST_P(cohort_test, refuses_what_does_not_fit) {
  const recipe how{.batch = 5};
  const auto given = start_of(small, 1);
  cohort lanes{small, GetParam(), 1, how};
  auto other = work_of(1, how);
  other.data = random_samples(5, {1, 7, 7}, 4);

  EXPECT_THROW(lanes.enter(0, given, other), std::invalid_argument);
  EXPECT_THROW(lanes.enter(0, given, work_of(1, recipe{.lr = 0.5f})),
      std::invalid_argument);
  EXPECT_THROW(
      lanes.enter(0, std::make_shared<gpu::buffer>(3), work_of(1, how)),
      std::invalid_argument);
  EXPECT_FALSE(lanes.busy(0));
}

} // namespace
} // namespace troupe::training
