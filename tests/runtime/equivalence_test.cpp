// What a run must be equal to: federated averaging with one full-batch step is
// gradient descent on everybody's samples together; with one client it is that
// client's training.

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/training/trainer.hpp"
#include "runtime/data/synthetic.hpp"
#include "runtime/launch.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/topology.hpp"
#include "tests/runtime/scratch_directory.hpp"

namespace troupe::tests {
namespace {

constexpr std::size_t inputs = 60;
constexpr std::size_t classes = 10;
constexpr float rate = 0.05f;

std::vector<float> initial_parameters(const models::model& model) {
  auto learner = training::trainer(model)({});
  std::vector<float> parameters(gpu::size(learner->layout()));
  learner->initialise(parameters, 1);
  return parameters;
}

std::vector<float> trained_by(topology what) {
  scratch_directory place;
  auto out = place / "run";
  EXPECT_EQ(execute(what, {.out = out, .quiet = true}), 0);
  auto file = read_model(files::system(), out / "model.safetensors");
  auto values = file.values->span();
  return {values.begin(), values.end()};
}

// One sample's part of the gradient of softmax regression, in double. The
// parameters are the weights, class by class, and then the biases.
void add_gradient(const std::vector<double>& w, std::span<const float> x,
    std::size_t label, std::vector<double>& gradient) {
  std::vector<double> p(classes);
  for (std::size_t c = 0; c < classes; ++c) {
    p[c] = w[classes * inputs + c];
    for (std::size_t i = 0; i < inputs; ++i)
      p[c] += w[c * inputs + i] * double(x[i]);
  }
  auto top = *std::max_element(p.begin(), p.end());
  double sum = 0.0;
  for (auto& q : p)
    sum += q = std::exp(q - top);
  for (std::size_t c = 0; c < classes; ++c) {
    auto error = p[c] / sum - (c == label ? 1.0 : 0.0);
    gradient[classes * inputs + c] += error;
    for (std::size_t i = 0; i < inputs; ++i)
      gradient[c * inputs + i] += error * double(x[i]);
  }
}

// One step of gradient descent on the mean loss over all clients' samples.
std::vector<double> descent_on_the_union(
    const std::vector<training::view>& clients, std::vector<double> w) {
  std::vector<double> gradient(w.size());
  std::size_t samples = 0;
  for (const auto& view : clients)
    for (std::uint32_t i = 0; i < view.size(); ++i) {
      std::vector<float> x(inputs);
      std::uint8_t label = 0;
      view.gather({&i, 1}, x, {&label, 1});
      add_gradient(w, x, label, gradient);
      ++samples;
    }
  for (std::size_t i = 0; i < w.size(); ++i)
    w[i] -= double(rate) * gradient[i] / double(samples);
  return w;
}

TEST(equivalence_test, averages_full_batches_to_descent_on_the_union) {
  auto set = data::synthetic(0.5, 0.5, 12, 3);
  auto model = models::softmax(inputs, classes);
  auto start = initial_parameters(model);

  auto w = trained_by(
      topology{"union"}
          .model(model)
          .aggregator(fedavg{.fraction = 1.0})
          .clients(set.clients, sgd{.lr = rate}, local{.epochs = 1, .batch = 0})
          .until(rounds{1}));

  auto expected = descent_on_the_union(
      set.clients, std::vector<double>(start.begin(), start.end()));
  double largest = 0.0;
  for (auto e : expected)
    largest = std::max(largest, std::fabs(e));
  for (std::size_t i = 0; i < w.size(); ++i)
    ASSERT_NEAR(double(w[i]), expected[i], 1e-6 * largest) << "parameter " << i;
}

TEST(equivalence_test, publishes_what_its_only_client_trained) {
  auto set = data::synthetic(0.5, 0.5, 1, 3);
  auto model = models::softmax(inputs, classes);
  auto start = initial_parameters(model);
  auto alone = start;
  training::assignment work{0, 0, set.clients[0], {.batch = 10, .lr = rate},
      gpu::random_stream{1, gpu::stream::train, 0, 0}};
  training::trainer(model)({})->train(alone, work, {});

  auto w = trained_by(topology{"alone"}
                          .model(model)
                          .aggregator(fedavg{.fraction = 1.0})
                          .clients(set.clients, sgd{.lr = rate},
                              local{.epochs = 1, .batch = 10})
                          .until(rounds{1}));

  // The accumulator's 2^-41, and what rounding the difference and the sum to
  // float may each cost.
  for (std::size_t i = 0; i < w.size(); ++i) {
    auto scale = std::max(std::fabs(alone[i]), std::fabs(start[i]));
    auto bound = std::ldexp(1.0, -41) + std::ldexp(2.0 * double(scale), -24);
    ASSERT_NEAR(double(w[i]), double(alone[i]), bound) << "parameter " << i;
  }
}

// With one step a round of all that a client has, uniform weights and plain
// SGD, federated averaging is data parallelism with the same samples.
TEST(equivalence_test, averages_single_steps_to_those_of_a_mesh) {
  constexpr std::size_t parts = 4, each = 30, count = 6;
  const auto set = data::synthetic(0.5, 0.5, 40, 3);
  const auto large = std::ranges::find_if(set.clients,
      [](const training::view& one) { return one.size() >= parts * each; });
  ASSERT_NE(large, set.clients.end());
  const auto all = large->slice(0, parts * each);
  std::vector<training::view> clients;
  for (std::size_t i = 0; i < parts; ++i)
    clients.push_back(all.slice(i * each, each));
  const auto model = models::softmax(inputs, classes);

  const auto averaged = trained_by(
      topology{"averaged"}
          .model(model)
          .aggregator(fedavg{.fraction = 1.0, .weighting = "uniform"})
          .clients(clients, sgd{.lr = rate}, local{.epochs = 1, .batch = 0})
          .until(rounds{count}));
  const auto together = trained_by(
      topology{"together"}
          .model(model)
          .workers(2, sgd{.lr = rate},
              all_reduce{.batch = parts * each, .micro_batches = parts}, all)
          .until(steps{count}));

  for (std::size_t i = 0; i < averaged.size(); ++i)
    ASSERT_NEAR(averaged[i], together[i], 1e-6) << "parameter " << i;
}

} // namespace
} // namespace troupe::tests
