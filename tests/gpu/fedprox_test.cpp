// FedProx, and corrections against drift, on every way to train there is: a
// learner or the lanes of a cohort, on each device.
#include "tests/gpu/every_way.hpp"
#include "tests/gpu/mlp_in_double.hpp"
#include "tests/gpu/samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace troupe::training {
namespace {

using testing::random_samples;

class fedprox_test : public ::testing::TestWithParam<way> {};

INSTANTIATE_TEST_SUITE_P(ways, fedprox_test, ::testing::ValuesIn(ways()),
    [](const auto& p) { return name_of(p.param); });

std::vector<double> trained_in_double(
    const gpu::buffer& start, const assignment& work) {
  std::vector<double> exact(start.span().begin(), start.span().end());
  testing::train_in_double(widths, exact, work);
  return exact;
}

double distance(
    const std::vector<float>& trained, const gpu::shared_buffer& start) {
  auto sum = 0.0;
  for (std::size_t i = 0; i < trained.size(); ++i)
    sum += std::pow(double(trained[i]) - double(start->span()[i]), 2);
  return std::sqrt(sum);
}

// 20 steps. The pull alone moves what they reach by thousands of the bound.
TEST_P(fedprox_test, is_its_definition_in_double) {
  const auto data = random_samples(40, {50}, 5);
  const auto start = start_of(1);
  for (auto momentum : {0.0f, 0.9f})
    for (auto decay : {0.0f, 0.01f})
      for (auto clip : {0.0f, 0.75f}) {
        SCOPED_TRACE(::testing::Message()
                     << "momentum " << momentum << ", decay " << decay
                     << ", clip " << clip);
        recipe how{.epochs = 5,
            .batch = 10,
            .lr = 0.1f,
            .momentum = momentum,
            .weight_decay = decay,
            .clip = clip,
            .method = "fedprox",
            .mu = 0.5f};
        const auto exact = trained_in_double(*start, work_on(data, how));

        const auto trained = GetParam().train(start, work_on(data, how));

        EXPECT_LE(testing::largest_error(trained, exact), 1e-6);
        how.method = "sgd";
        EXPECT_GE(testing::largest_error(
                      trained, trained_in_double(*start, work_on(data, how))),
            1e-3);
      }
}

TEST_P(fedprox_test, pulls_once_for_a_batch_in_parts) {
  const auto data = random_samples(300, {50}, 5); // a lane takes 256 at a time
  const auto start = start_of(1);
  const auto work = work_on(data,
      {.epochs = 6, .batch = 0, .lr = 0.5f, .method = "fedprox", .mu = 1.0f});

  const auto trained = GetParam().train(start, work);

  EXPECT_LE(
      testing::largest_error(trained, trained_in_double(*start, work)), 1e-6);
}

TEST_P(fedprox_test, without_mu_is_sgd_to_the_bit) {
  const auto data = random_samples(43, {50}, 5);
  const auto start = start_of(2);
  for (recipe how : {recipe{.epochs = 2},
           recipe{.epochs = 2, .batch = 0, .weight_decay = 0.01f},
           recipe{.epochs = 2,
           .momentum = 0.9f,
           .weight_decay = 0.01f,
           .clip = 0.5f}}) {
    const auto expected = GetParam().train(start, work_on(data, how));
    how.method = "fedprox";
    how.mu = 0.0f;

    EXPECT_EQ(GetParam().train(start, work_on(data, how)), expected);
  }
}

TEST_P(fedprox_test, a_strong_pull_keeps_near_the_start) {
  const auto data = random_samples(40, {50}, 5);
  const auto start = start_of(3);
  recipe how{.epochs = 20, .lr = 0.05f};
  const auto free = GetParam().train(start, work_on(data, how));
  how.method = "fedprox";
  how.mu = 10.0f;

  const auto held = GetParam().train(start, work_on(data, how));

  EXPECT_GT(distance(held, start), 0.0);
  EXPECT_LT(distance(held, start), 0.1 * distance(free, start));
}

TEST_P(fedprox_test, leaves_fednovas_local_steps_to_sgd) {
  const auto data = random_samples(43, {50}, 5);
  const auto start = start_of(2);
  recipe how{.epochs = 2, .momentum = 0.9f, .mu = 1.0f};
  const auto expected = GetParam().train(start, work_on(data, how));
  how.method = "fednova";

  EXPECT_EQ(GetParam().train(start, work_on(data, how)), expected);
}

TEST_P(fedprox_test, refuses_a_method_that_there_is_not) {
  const auto work =
      work_on(random_samples(5, {50}, 5), recipe{.method = "fedporx"});

  EXPECT_THROW(GetParam().train(start_of(1), work), std::invalid_argument);
}

class correction_test : public ::testing::TestWithParam<way> {
protected:
  static gpu::shared_buffer some(std::uint64_t seed) {
    auto result = std::make_shared<gpu::buffer>(start_of(1)->size());
    gpu::random_stream random{seed, gpu::stream::user};
    for (auto& x : result->span())
      x = 0.001f * float(random.below(200)) - 0.1f;
    return result;
  }
};

INSTANTIATE_TEST_SUITE_P(ways, correction_test, ::testing::ValuesIn(ways()),
    [](const auto& p) { return name_of(p.param); });

TEST_P(correction_test, is_a_part_of_every_gradient) {
  const auto data = random_samples(40, {50}, 5);
  const auto start = start_of(1);
  for (const auto* method : {"scaffold", "feddyn"})
    for (auto momentum : {0.0f, 0.9f})
      for (auto clip : {0.0f, 0.75f}) {
        SCOPED_TRACE(::testing::Message() << method << ", momentum " << momentum
                                          << ", clip " << clip);
        auto work = work_on(data, {.epochs = 5,
                                      .batch = 10,
                                      .lr = 0.05f,
                                      .momentum = momentum,
                                      .weight_decay = 0.01f,
                                      .clip = clip,
                                      .method = method,
                                      .alpha = 0.5f});
        const auto without = GetParam().train(start, work);
        work.correction = some(5);

        const auto trained = GetParam().train(start, work);

        EXPECT_LE(
            testing::largest_error(trained, trained_in_double(*start, work)),
            1e-6);
        EXPECT_NE(trained, without);
      }
}

TEST_P(correction_test, of_zeros_is_sgd_to_the_bit) {
  const auto data = random_samples(43, {50}, 5);
  const auto start = start_of(2);
  recipe how{.epochs = 2, .momentum = 0.9f};
  const auto expected = GetParam().train(start, work_on(data, how));
  how.method = "scaffold";
  auto work = work_on(data, how);
  auto zeros = std::make_shared<gpu::buffer>(start->size());
  std::ranges::fill(zeros->span(), 0.0f);

  EXPECT_EQ(GetParam().train(start, work), expected);
  work.correction = zeros;
  EXPECT_EQ(GetParam().train(start, work), expected);
}

class fedprox_lanes_test : public ::testing::TestWithParam<gpu::device> {};

INSTANTIATE_TEST_SUITE_P(devices, fedprox_lanes_test,
    ::testing::ValuesIn(tests::test_devices()),
    [](const auto& p) { return tests::name(p.param); });

const recipe pulled{
    .epochs = 4, .batch = 7, .momentum = 0.5f, .method = "fedprox", .mu = 1.0f};

TEST_P(fedprox_lanes_test, pull_each_client_to_its_own_start) {
  const auto data = random_samples(60, {50}, 5);
  const std::vector starts{start_of(1), start_of(2), start_of(3)};
  const std::vector work{work_on(data.slice(0, 11), pulled),
      work_on(data.slice(11, 30), pulled), work_on(data.slice(41, 19), pulled)};

  const auto trained = by_cohort(GetParam(), starts, work);

  for (std::size_t i = 0; i < work.size(); ++i) {
    EXPECT_LE(testing::largest_error(
                  trained[i], trained_in_double(*starts[i], work[i])),
        1e-6);
    EXPECT_EQ(
        trained[i], by_cohort(GetParam(), {starts[i]}, {work[i]}).front());
  }
}

TEST_P(fedprox_lanes_test, correct_each_client_by_its_own) {
  const auto data = random_samples(60, {50}, 5);
  auto how = pulled;
  how.method = "scaffold";
  std::vector<assignment> work;
  for (std::size_t i = 0; i < 3; ++i) {
    auto& one = work.emplace_back(work_on(data.slice(20 * i, 20), how));
    if (i == 1)
      continue; // none
    auto by = std::make_shared<gpu::buffer>(start_of(1)->size());
    std::ranges::fill(by->span(), 0.05f * float(i + 1));
    one.correction = std::move(by);
  }
  const std::vector starts(3, start_of(1));

  const auto trained = by_cohort(GetParam(), starts, work);

  for (std::size_t i = 0; i < work.size(); ++i)
    EXPECT_LE(testing::largest_error(
                  trained[i], trained_in_double(*starts[i], work[i])),
        1e-6);
}

TEST_P(fedprox_lanes_test, forget_the_start_of_the_client_before) {
  const auto data = random_samples(30, {50}, 5);
  cohort lanes{models::mlp(widths), GetParam(), 1, pulled};
  for (std::uint64_t seed : {1, 2}) {
    const auto start = start_of(seed);
    lanes.enter(0, start, work_on(data, pulled));
    while (lanes.advance(100).empty()) {
    }
    lanes.stream().synchronise();
    auto trained = on_host(lanes.stream(), lanes.take(0).delta->span());
    for (std::size_t i = 0; i < trained.size(); ++i)
      trained[i] += start->span()[i];

    EXPECT_LE(testing::largest_error(
                  trained, trained_in_double(*start, work_on(data, pulled))),
        1e-6);
  }
}

} // namespace
} // namespace troupe::training
