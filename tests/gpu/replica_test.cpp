#include "gpu/training/replica.hpp"

#include "tests/gpu/aggregation/on_device.hpp"
#include "tests/gpu/mlp_in_double.hpp"
#include "tests/gpu/samples.hpp"

#include "gpu/training/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace troupe::training {
namespace {

using testing::random_samples;
using tests::bits;

/// Every kind of layer, on small images of two channels.
models::model every_layer() {
  return {"every", {2, 7, 6}, 3,
      {models::conv2d{5, 3, 1}, models::relu{}, models::max_pool{2},
          models::flatten{}, models::linear{6}, models::relu{},
          models::linear{3}}};
}

/// One of few parameters, of which 64 MiB of workspace take some 40 samples.
models::model roomy() {
  return {"roomy", {1, 64, 64}, 2,
      {models::conv2d{32, 1}, models::relu{}, models::max_pool{16},
          models::flatten{}, models::linear{2}}};
}

std::vector<std::uint32_t> first_samples(std::size_t count) {
  std::vector<std::uint32_t> result(count);
  std::iota(result.begin(), result.end(), 0u);
  return result;
}

class replica_test : public tests::on_device {
protected:
  std::vector<float> start_of(const replica& what) {
    std::vector<float> result(gpu::size(what.parameters()));
    what.initialise(result, 1);
    return result;
  }

  /// Gradients by parameters on the host.
  std::vector<float> gradient_of(replica& what,
      const std::vector<float>& parameters, const view& data,
      std::span<const std::uint32_t> samples, std::size_t of,
      double* loss = nullptr) {
    auto there = sent(parameters);
    auto to = poisoned(parameters.size());
    const auto sum =
        what.gradient(there.span(), data, samples, of, {to.span()});
    if (loss)
      *loss = sum;
    return fetched(to.span());
  }

  double mean_loss(
      replica& what, const std::vector<float>& parameters, const view& data) {
    const auto there = sent(parameters);
    return what.evaluate(there.span(), data).loss();
  }
};

TROUPE_ON_EVERY_DEVICE(replica_test);

float largest_of(const std::vector<float>& values) {
  auto result = 0.0f;
  for (auto value : values)
    result = std::max(result, std::abs(value));
  return result;
}

float largest_difference(
    const std::vector<float>& a, const std::vector<float>& b) {
  auto result = 0.0f;
  for (std::size_t i = 0; i < a.size(); ++i)
    result = std::isnan(a[i]) ? tests::infinity
                              : std::max(result, std::abs(a[i] - b[i]));
  return result;
}

TEST_P(replica_test, its_gradient_matches_finite_differences) {
  const auto data = random_samples(4, {2, 7, 6}, 3);
  replica what{every_layer(), GetParam()};
  auto parameters = start_of(what);

  const auto gradient =
      gradient_of(what, parameters, data, first_samples(4), 4);

  auto error = 0.0;
  const auto step = 1.0f / 256.0f;
  for (std::size_t i = 0; i < gradient.size(); i += 3) {
    const auto kept = parameters[i];
    parameters[i] = kept + step;
    const auto above = mean_loss(what, parameters, data);
    parameters[i] = kept - step;
    const auto slope =
        (above - mean_loss(what, parameters, data)) / (2.0 * double(step));
    parameters[i] = kept;
    error = std::max(error, std::abs(slope - double(gradient[i])));
  }
  EXPECT_GT(largest_of(gradient), 0.01f);
  EXPECT_LT(error, 5e-3 * double(largest_of(gradient)));
}

TEST_P(replica_test, its_gradient_is_that_of_loops_in_double) {
  const std::vector<std::size_t> widths{50, 20, 5};
  const auto data = random_samples(30, {50}, 5);
  replica what{models::mlp(widths), GetParam()};
  const auto parameters = start_of(what);
  const std::vector<double> exact(parameters.begin(), parameters.end());

  const auto gradient =
      gradient_of(what, parameters, data, first_samples(30), 30);

  EXPECT_LT(testing::largest_error(
                gradient, testing::gradient_in_double(widths, exact, data)),
      1e-5);
}

TEST_P(replica_test, a_step_along_its_gradient_is_the_trainers) {
  const auto data = random_samples(20, {2, 7, 6}, 3);
  const auto model = every_layer();
  replica what{model, GetParam()};
  const auto parameters = start_of(what);
  auto trained = sent(parameters);
  const recipe how{.batch = 0, .lr = 0.5f};

  double loss = 0.0;
  const auto gradient =
      gradient_of(what, parameters, data, first_samples(20), 20, &loss);
  const auto result =
      trainer(model)(GetParam())
          ->train(trained.span(), {.data = data, .how = how}, {});

  auto stepped = parameters;
  for (std::size_t i = 0; i < stepped.size(); ++i)
    stepped[i] -= how.lr * gradient[i];
  EXPECT_LT(largest_difference(stepped, fetched(trained.span())), 1e-6f);
  EXPECT_NEAR(loss / 20.0, result.loss, 1e-6);
}

TEST_P(replica_test, begins_where_the_trainer_begins) {
  const auto model = every_layer();
  const replica what{model, GetParam()};
  const auto learner = trainer(model)(GetParam());
  std::vector<float> begun(gpu::size(learner->layout()));
  learner->initialise(begun, 1);

  EXPECT_EQ(what.parameters(), learner->layout());
  EXPECT_EQ(bits(start_of(what)), bits(begun));
}

TEST_P(replica_test, scores_as_the_trainer_does) {
  const auto data = random_samples(230, {2, 7, 6}, 3);
  const auto model = every_layer();
  replica what{model, GetParam()};
  const auto parameters = sent(start_of(what));

  const auto mine = what.evaluate(parameters.span(), data);
  const auto learners =
      trainer(model)(GetParam())->evaluate(parameters.span(), data, {});

  EXPECT_EQ(mine.samples, 230u);
  EXPECT_EQ(mine.correct, learners.correct);
  EXPECT_EQ(mine.loss_sum, learners.loss_sum);
}

TEST_P(replica_test, says_what_is_final_from_the_last_layer_to_the_first) {
  const auto data = random_samples(50, {1, 64, 64}, 2);
  for (std::size_t count : {3, 50}) { // in one part, and in two
    replica what{roomy(), GetParam()};
    const auto parameters = sent(start_of(what));
    auto to = poisoned(parameters.size());
    std::vector<gpu::range> heard;
    std::vector<float> seen(parameters.size(), tests::not_a_number);
    std::vector<float> too_early;
    const auto hear = [&](const gpu::range& part) {
      heard.push_back(part);
      what.stream().synchronise();
      if (heard.size() == 1)
        too_early = fetched(to.span());
      const auto now = fetched(part.of(to.span()));
      std::ranges::copy(now, seen.begin() + long(part.first));
    };

    what.gradient(parameters.span(), data, first_samples(count), count,
        {to.span()}, hear);

    EXPECT_EQ(heard, (std::vector<gpu::range>{{64, 1026}, {0, 64}}));
    EXPECT_EQ(bits(seen), bits(fetched(to.span())));
    EXPECT_NE(bits(too_early), bits(seen));
  }
}

TEST_P(replica_test, a_micro_batch_in_parts_is_one_gradient) {
  const auto data = random_samples(50, {1, 64, 64}, 2);
  replica what{roomy(), GetParam()};
  const auto parameters = start_of(what);
  const auto there = sent(parameters);
  const auto all = first_samples(50);

  double loss = 0.0;
  const auto whole = gradient_of(what, parameters, data, all, 50, &loss);
  auto to = poisoned(parameters.size());
  double losses = 0.0;
  for (std::size_t i = 0; i < 50; i += 10)
    losses += what.gradient(there.span(), data, std::span{all}.subspan(i, 10),
        50, {to.span(), 1.0f, i == 0 ? 0.0f : 1.0f});

  EXPECT_LT(
      largest_difference(whole, fetched(to.span())), 1e-5f * largest_of(whole));
  EXPECT_NEAR(loss, losses, 1e-5);
}

TEST_P(replica_test, a_micro_batch_does_not_know_what_was_before) {
  const auto data = random_samples(40, {2, 7, 6}, 3);
  const std::vector<std::uint32_t> mine{3, 39, 17, 3};
  replica fresh{every_layer(), GetParam()};
  replica used{every_layer(), GetParam()};
  const auto parameters = start_of(fresh);
  gradient_of(used, parameters, data, first_samples(40), 7000);

  EXPECT_EQ(bits(gradient_of(fresh, parameters, data, mine, 16)),
      bits(gradient_of(used, parameters, data, mine, 16)));
}

TEST_P(replica_test, adds_to_what_its_sink_holds) {
  const auto data = random_samples(6, {2, 7, 6}, 3);
  replica what{every_layer(), GetParam()};
  const auto parameters = start_of(what);
  const auto there = sent(parameters);
  auto to = sent(parameters);
  const auto samples = first_samples(6);

  const auto gradient = gradient_of(what, parameters, data, samples, 6);
  what.gradient(there.span(), data, samples, 6, {to.span(), -2.0f, 0.5f});

  auto expected = parameters;
  for (std::size_t i = 0; i < expected.size(); ++i)
    expected[i] = 0.5f * expected[i] - 2.0f * gradient[i];
  EXPECT_LT(largest_difference(expected, fetched(to.span())), 1e-6f);
}

TEST_P(replica_test, has_a_gradient_of_no_samples) {
  const auto data = random_samples(6, {2, 7, 6}, 3);
  replica what{every_layer(), GetParam()};
  const auto parameters = start_of(what);

  const auto gradient = gradient_of(what, parameters, data, {}, 6);

  EXPECT_EQ(largest_difference(gradient, std::vector<float>(parameters.size())),
      0.0f);
}

TEST_P(replica_test, says_a_loss_that_is_not_finite) {
  const auto data = random_samples(6, {2, 7, 6}, 3);
  replica what{every_layer(), GetParam()};
  auto parameters = start_of(what);
  parameters.back() = tests::not_a_number;
  double loss = 0.0;

  gradient_of(what, parameters, data, first_samples(6), 6, &loss);

  EXPECT_FALSE(std::isfinite(loss));
}

} // namespace
} // namespace troupe::training
