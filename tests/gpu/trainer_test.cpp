#include "gpu/training/trainer.hpp"

#include "tests/gpu/mlp_in_double.hpp"
#include "tests/gpu/plain_mlp.hpp"
#include "tests/gpu/samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

namespace troupe::training {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::random_samples;

std::vector<float> start_of(learner& what) {
  std::vector<float> parameters(gpu::size(what.layout()));
  what.initialise(parameters, 1);
  return parameters;
}

assignment work_on(view data, recipe how) {
  return {.client = 7,
      .version = 0,
      .data = std::move(data),
      .how = how,
      .random = gpu::random_stream{1, gpu::stream::train, 7}};
}

template <class Exception>
std::string failure(learner& what, const assignment& work) {
  auto parameters = start_of(what);
  try {
    what.train(parameters, work, {});
    return "no failure";
  } catch (const Exception& error) {
    return error.what();
  }
}

/// What training leaves, and what a plain loop leaves beside it.
struct pair {
  std::vector<float> parameters;
  std::vector<float> expected;
  outcome reported;
  outcome plain;
};

pair train_beside_plain_loop(
    std::uint32_t batch, std::size_t samples, testing::products by) {
  gpu::use_one_blas_thread();
  const std::vector<std::size_t> widths{784, 200, 200, 10};
  const auto learner = trainer(models::mlp(widths))({});
  const auto work = work_on(
      random_samples(samples, {1, 28, 28}, 10), {.epochs = 3, .batch = batch});
  pair both;
  both.parameters = start_of(*learner);
  both.expected = both.parameters;
  both.reported = learner->train(both.parameters, work, {});
  both.plain = testing::train_plain_mlp(widths, both.expected, work, by);
  return both;
}

TEST(trainer_test, equals_a_plain_loop_bit_by_bit) {
  const auto both = train_beside_plain_loop(10, 63, testing::products::ours);

  EXPECT_TRUE(both.parameters == both.expected);
  EXPECT_EQ(both.reported.loss, both.plain.loss);
  EXPECT_EQ(both.reported.steps, 21u);
  EXPECT_EQ(both.reported.samples, 189u);
}

TEST(trainer_test, reports_the_mean_of_squared_losses) {
  const auto one = train_beside_plain_loop(1, 1, testing::products::ours);
  const auto learner = trainer(models::mlp({784, 10}))({});
  auto parameters = start_of(*learner);
  const auto set = random_samples(2, {1, 28, 28}, 10);
  double squares = 0.0;
  for (std::size_t i = 0; i < 2; ++i) {
    auto loss = learner->evaluate(parameters, set.slice(i, 1), {}).loss();
    squares += loss * loss;
  }

  const auto both =
      learner->train(parameters, work_on(set, {.epochs = 1, .batch = 2}), {});

  EXPECT_GE(one.reported.square_loss, one.reported.loss * one.reported.loss);
  EXPECT_NEAR(both.square_loss, squares / 2.0, 1e-6 * squares);
}

TEST(trainer_test, equals_a_plain_loop_of_blas_calls) {
  const auto both = train_beside_plain_loop(10, 63, testing::products::blas);

  ASSERT_EQ(both.parameters.size(), both.expected.size());
  for (std::size_t i = 0; i < both.expected.size(); ++i)
    ASSERT_NEAR(both.parameters[i], both.expected[i], 1e-6);
  EXPECT_NEAR(both.reported.loss, both.plain.loss, 1e-6);
}

TEST(trainer_test, equals_a_plain_loop_of_blas_calls_bit_by_bit) {
  // Batches of more samples than kernels of our own take.
  const auto both = train_beside_plain_loop(40, 200, testing::products::blas);

  EXPECT_TRUE(both.parameters == both.expected);
  EXPECT_EQ(both.reported.loss, both.plain.loss);
  EXPECT_EQ(both.reported.steps, 15u);
}

TEST(trainer_test, one_step_over_all_data_is_gradient_descent) {
  const std::vector<std::size_t> widths{50, 20, 5};
  const auto learner = trainer(models::mlp(widths))({});
  const auto data = random_samples(333, {50}, 5);
  auto parameters = start_of(*learner);
  std::vector<double> exact(parameters.begin(), parameters.end());

  learner->train(parameters, work_on(data, {.batch = 0, .lr = 0.5f}), {});
  testing::descend_in_double(widths, exact, data, 0.5);

  EXPECT_LE(testing::largest_error(parameters, exact), 1e-6);
}

TEST(trainer_test, a_batch_that_takes_too_much_memory_goes_in_parts) {
  const std::vector<std::size_t> widths{2000, 3};
  const auto learner = trainer(models::mlp(widths))({});
  const auto data = random_samples(9000, {2000}, 3); // 8,355 go at a time
  auto parameters = start_of(*learner);
  std::vector<double> exact(parameters.begin(), parameters.end());

  const auto outcome =
      learner->train(parameters, work_on(data, {.batch = 0, .lr = 0.1f}), {});
  testing::descend_in_double(widths, exact, data, 0.1f);

  EXPECT_EQ(outcome.steps, 1u);
  auto error = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i)
    error = std::max(error, std::abs(exact[i] - double(parameters[i])));
  EXPECT_LE(error, 1e-7);
}

TEST(trainer_test, runs_again_with_the_same_bits_on_any_thread) {
  const recipe how{.epochs = 2,
      .batch = 10,
      .momentum = 0.9f,
      .weight_decay = 0.01f,
      .clip = 1.0f};
  const auto work = work_on(random_samples(63, {1, 28, 28}, 10), how);
  const auto make = trainer(models::mlp({784, 50, 10}));
  const auto run = [&](std::vector<float>& parameters) {
    const auto learner = make({});
    parameters = start_of(*learner);
    learner->train(parameters, work, {});
  };
  std::vector<float> results[3];

  run(results[0]);
  std::thread one{run, std::ref(results[1])};
  std::thread two{run, std::ref(results[2])};
  one.join();
  two.join();

  EXPECT_TRUE(results[1] == results[0]);
  EXPECT_TRUE(results[2] == results[0]);
}

TEST(trainer_test, an_assignment_leaves_nothing_behind) {
  const recipe how{.batch = 10, .momentum = 0.9f};
  const auto work = work_on(random_samples(63, {20}, 3), how);
  const auto learner = trainer(models::mlp({20, 10, 3}))({});
  auto first = start_of(*learner);
  auto second = first;

  learner->train(first, work, {});
  learner->evaluate(first, work.data, {});
  learner->train(second, work, {});

  EXPECT_TRUE(first == second);
}

TEST(trainer_test, steps_replace_epochs) {
  const auto learner = trainer(models::softmax(20, 3))({});
  auto parameters = start_of(*learner);
  const auto work =
      work_on(random_samples(25, {20}, 3), {.steps = 7, .batch = 10});

  const auto outcome = learner->train(parameters, work, {});

  EXPECT_EQ(outcome.steps, 7u);
  EXPECT_EQ(outcome.samples, 10u + 10u + 5u + 10u + 10u + 5u + 10u);
}

TEST(trainer_test, no_data_is_no_work) {
  const auto learner = trainer(models::softmax(20, 3))({});
  auto parameters = start_of(*learner);
  const auto before = parameters;

  const auto outcome = learner->train(parameters, work_on({}, {}), {});

  EXPECT_EQ(outcome.steps, 0u);
  EXPECT_EQ(parameters, before);
}

TEST(trainer_test, the_rate_decays_with_the_version) {
  const auto learner = trainer(models::softmax(20, 3))({});
  auto now = start_of(*learner);
  auto later = now;
  auto work =
      work_on(random_samples(25, {20}, 3), {.lr = 0.25f, .lr_decay = 0.5f});
  learner->train(now, work, {});
  work.how.lr = 1.0f;
  work.version = 2;

  learner->train(later, work, {});

  EXPECT_TRUE(now == later);
}

TEST(trainer_test, learns) {
  // The label is the brightest of three pixels.
  dataset set;
  set.shape = {3};
  set.classes = 3;
  gpu::random_stream random{1, gpu::stream::user};
  std::vector<float> features(3 * 300);
  for (auto& value : features)
    value = float(random.uniform());
  for (std::size_t i = 0; i < features.size(); i += 3)
    set.labels.push_back(std::uint8_t(
        std::max_element(&features[i], &features[i] + 3) - &features[i]));
  set.features = features;
  const view data{std::make_shared<const dataset>(std::move(set))};
  const auto learner = trainer(models::mlp({3, 16, 3}))({});
  auto parameters = start_of(*learner);

  const auto before = learner->evaluate(parameters, data, {});
  learner->train(parameters, work_on(data, {.epochs = 50, .lr = 0.5f}), {});
  const auto after = learner->evaluate(parameters, data, {});

  EXPECT_LT(before.accuracy(), 0.7);
  EXPECT_GT(after.accuracy(), 0.9);
  EXPECT_LT(after.loss(), before.loss());
}

TEST(trainer_test, parts_of_a_test_set_add_up) {
  const auto learner = trainer(models::mlp({20, 10, 3}))({});
  const auto data = random_samples(500, {20}, 3);
  const auto parameters = start_of(*learner);

  const auto whole = learner->evaluate(parameters, data, {});
  auto parts = learner->evaluate(parameters, data.slice(0, 200), {});
  parts.merge(learner->evaluate(parameters, data.slice(200, 300), {}));

  EXPECT_EQ(whole.samples, 500u);
  EXPECT_EQ(parts.samples, 500u);
  EXPECT_EQ(parts.correct, whole.correct);
  EXPECT_DOUBLE_EQ(parts.loss_sum, whole.loss_sum);
}

TEST(trainer_test, stops_when_asked_to) {
  const auto learner = trainer(models::softmax(20, 3))({});
  auto parameters = start_of(*learner);
  const auto work = work_on(random_samples(25, {20}, 3), {.epochs = 1000000});
  std::stop_source source;
  source.request_stop();

  const auto outcome = learner->train(parameters, work, source.get_token());
  const auto tested =
      learner->evaluate(parameters, work.data, source.get_token());

  EXPECT_EQ(outcome.steps, 0u);
  EXPECT_EQ(tested.samples, 0u);
}

TEST(trainer_test, a_loss_that_is_not_finite_names_version_step_and_loss) {
  const auto learner = trainer(models::mlp({20, 10, 3}))({});
  const auto work =
      work_on(random_samples(25, {20}, 3), {.epochs = 50, .lr = 1e30f});

  EXPECT_THAT(failure<std::runtime_error>(*learner, work),
      ::testing::MatchesRegex("at version 0, the loss of step [0-9]+ is "
                              "(nan|inf); a lower lr or a clip may help"));
}

TEST(trainer_test, data_of_another_shape_are_refused_by_name) {
  const auto learner = trainer(models::mlp({784, 10}))({});
  const auto work = work_on(random_samples(5, {3, 32, 32}, 10), {});

  EXPECT_THAT(failure<std::invalid_argument>(*learner, work),
      HasSubstr("model mlp takes samples of 784 values and the data have "
                "3 x 32 x 32"));
}

// Bytes in a row, or with the one channel last, are the same images.
TEST(trainer_test, takes_images_of_one_channel_however_they_are_written) {
  const auto trained = [](std::vector<std::size_t> shape) {
    const auto learner = trainer(models::lenet5())({});
    auto parameters = start_of(*learner);
    learner->train(parameters,
        work_on(random_samples(12, std::move(shape), 10), {.batch = 4}), {});
    return parameters;
  };
  const auto expected = trained({1, 28, 28});

  EXPECT_EQ(trained({784}), expected);
  EXPECT_EQ(trained({28, 28, 1}), expected);
  EXPECT_EQ(trained({28, 28}), expected);
}

TEST(trainer_test, takes_no_image_of_other_sides) {
  const auto refused = [](models::model what, std::vector<std::size_t> shape) {
    const auto learner = trainer(std::move(what))({});
    return failure<std::invalid_argument>(
        *learner, work_on(random_samples(2, std::move(shape), 10), {}));
  };
  models::model colours{
      "own", {3, 4, 4}, 10, {models::flatten{}, models::linear{10}}};

  EXPECT_THAT(refused(models::lenet5(), {1, 14, 56}), HasSubstr("1 x 14 x 56"));
  EXPECT_THAT(refused(models::lenet5(), {783}), HasSubstr("the data have 783"));
  EXPECT_THAT(refused(colours, {4, 4, 3}), HasSubstr("4 x 4 x 3"));
  EXPECT_THAT(refused(colours, {48}), HasSubstr("the data have 48"));
}

TEST(trainer_test, a_method_that_there_is_not_is_refused_by_name) {
  const auto learner = trainer(models::mlp({20, 10}))({});
  const auto work = work_on(random_samples(5, {20}, 10), {.method = "fedporx"});

  EXPECT_THAT(failure<std::invalid_argument>(*learner, work),
      HasSubstr("method \"fedporx\" is not one of sgd, fedprox, fednova"));
}

TEST(trainer_test, data_of_more_classes_are_refused_by_name) {
  const auto learner = trainer(models::mlp({20, 10}))({});
  const auto work = work_on(random_samples(5, {20}, 11), {});

  EXPECT_THAT(failure<std::invalid_argument>(*learner, work),
      HasSubstr("tells 10 classes apart and the data have 11"));
}

} // namespace
} // namespace troupe::training
