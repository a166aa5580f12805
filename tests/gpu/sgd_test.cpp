#include "gpu/optimisers/sgd.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace troupe::gpu {
namespace {

/// Does what a layer does with a sink.
void send(gradient_sink to, const std::vector<float>& gradient) {
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    auto& x = to.destination.data[i];
    x = to.alpha * gradient[i] + (to.beta == 0.0f ? 0.0f : to.beta * x);
  }
}

TEST(sgd_test, a_plain_step_folds_into_the_sink) {
  device_stream on;
  sgd optimiser{{.lr = 0.5f, .weight_decay = 0.25f}, 2};
  std::vector<float> w{1.0f, 2.0f};

  const auto to = optimiser.sink(on, w);
  send(to, {4.0f, -4.0f});
  optimiser.step(on, w);

  EXPECT_EQ(to.destination.data, w.data());
  EXPECT_EQ(w, (std::vector<float>{-1.125f, 3.75f}));
}

TEST(sgd_test, a_batch_in_parts_makes_one_step) {
  device_stream on;
  sgd optimiser{{.lr = 0.5f, .weight_decay = 0.25f}, 2};
  std::vector<float> w{1.0f, 2.0f};

  send(optimiser.sink(on, w, 0, 2), {1.0f, -1.0f});
  send(optimiser.sink(on, w, 1, 2), {3.0f, -3.0f});
  optimiser.step(on, w);

  EXPECT_EQ(w, (std::vector<float>{-1.125f, 3.75f}));
}

TEST(sgd_test, momentum_gathers_speed) {
  device_stream on;
  sgd optimiser{{.lr = 1.0f, .momentum = 0.5f}, 1};
  std::vector<float> w{0.0f};

  for (int step = 0; step < 3; ++step) {
    send(optimiser.sink(on, w), {1.0f});
    optimiser.step(on, w);
  }

  EXPECT_EQ(w[0], -(1.0f + 1.5f + 1.75f));
}

TEST(sgd_test, momentum_takes_weight_decay_into_the_velocity) {
  device_stream on;
  sgd optimiser{{.lr = 1.0f, .momentum = 0.5f, .weight_decay = 0.5f}, 1};
  std::vector<float> w{4.0f};

  for (int step = 0; step < 2; ++step) {
    send(optimiser.sink(on, w), {1.0f});
    optimiser.step(on, w);
  }

  // v1 = 1 + 2 = 3, w1 = 1; v2 = 1.5 + 1 + 0.5 = 3, w2 = -2
  EXPECT_EQ(w[0], -2.0f);
}

TEST(sgd_test, clipping_shortens_long_gradients_only) {
  device_stream on;
  sgd optimiser{{.lr = 1.0f, .clip = 5.0f}, 2};
  std::vector<float> w{0.0f, 0.0f};

  send(optimiser.sink(on, w), {3.0f, 4.0f});
  optimiser.step(on, w);
  EXPECT_EQ(w, (std::vector<float>{-3.0f, -4.0f}));

  send(optimiser.sink(on, w), {30.0f, 40.0f});
  optimiser.step(on, w);
  EXPECT_EQ(w, (std::vector<float>{-6.0f, -8.0f}));
}

TEST(sgd_test, a_pull_grows_with_the_distance_from_the_first_step) {
  device_stream on;
  sgd optimiser{{.lr = 0.5f, .pull = 0.5f}, 1};
  std::vector<float> w{1.0f};

  send(optimiser.sink(on, w), {1.0f});
  optimiser.step(on, w);
  EXPECT_EQ(w[0], 0.5f);

  send(optimiser.sink(on, w), {1.0f});
  optimiser.step(on, w);
  EXPECT_EQ(w[0], 0.5f - 0.5f * (1.0f - 0.25f));
}

TEST(sgd_test, a_pull_leads_to_the_latest_start) {
  device_stream on;
  sgd optimiser{{.lr = 0.5f, .pull = 0.5f}, 1};
  std::vector<float> w{1.0f};
  send(optimiser.sink(on, w), {1.0f});
  optimiser.step(on, w);

  optimiser.restart(on, {.lr = 0.5f, .pull = 0.5f});
  w = {8.0f};
  for (int step = 0; step < 2; ++step) {
    send(optimiser.sink(on, w), {4.0f});
    optimiser.step(on, w);
  }

  EXPECT_EQ(w[0], 6.0f - 0.5f * (4.0f - 1.0f));
}

TEST(sgd_test, a_batch_in_parts_is_pulled_once) {
  device_stream on;
  sgd optimiser{{.lr = 1.0f, .pull = 0.5f}, 1};
  std::vector<float> w{0.0f};

  for (int step = 0; step < 2; ++step) {
    send(optimiser.sink(on, w, 0, 2), {1.0f});
    send(optimiser.sink(on, w, 1, 2), {3.0f});
    optimiser.step(on, w);
  }

  EXPECT_EQ(w[0], -4.0f - (4.0f - 2.0f));
}

TEST(sgd_test, clipping_counts_the_pull_and_not_the_weight_decay) {
  device_stream on;
  sgd optimiser{
      {.lr = 1.0f, .weight_decay = 1.0f, .clip = 5.0f, .pull = 1.0f}, 2};
  std::vector<float> w{0.0f, 0.0f};
  send(optimiser.sink(on, w), {-3.0f, -4.0f});
  optimiser.step(on, w);
  ASSERT_EQ(w, (std::vector<float>{3.0f, 4.0f}));

  send(optimiser.sink(on, w), {3.0f, 4.0f});
  optimiser.step(on, w);

  // Gradient and pull are (6, 8), clipped (3, 4); the decay adds (3, 4).
  EXPECT_EQ(w, (std::vector<float>{-3.0f, -4.0f}));
}

TEST(sgd_test, a_pulled_step_goes_down_the_proximal_objective) {
  const auto loss = [](double x, double y) {
    return std::sin(x) * std::cos(2.0 * y);
  };
  const auto gradient = [](float x, float y) {
    return std::vector<float>{std::cos(x) * std::cos(2.0f * y),
        -2.0f * std::sin(x) * std::sin(2.0f * y)};
  };
  const float mu = 0.75f;
  device_stream on;
  sgd optimiser{{.lr = 0.25f, .pull = mu}, 2};
  const std::vector<float> start{0.3f, -0.8f};
  auto w = start;
  send(optimiser.sink(on, w), gradient(w[0], w[1]));
  optimiser.step(on, w);
  const auto before = w;

  send(optimiser.sink(on, w), gradient(w[0], w[1]));
  optimiser.step(on, w);

  const auto objective = [&](double x, double y) {
    return loss(x, y) +
           mu / 2.0 * (std::pow(x - start[0], 2) + std::pow(y - start[1], 2));
  };
  const double x = before[0], y = before[1], h = 1e-4;
  const auto along_x = (objective(x + h, y) - objective(x - h, y)) / (2.0 * h);
  const auto along_y = (objective(x, y + h) - objective(x, y - h)) / (2.0 * h);
  EXPECT_NEAR((before[0] - w[0]) / 0.25, along_x, 1e-6);
  EXPECT_NEAR((before[1] - w[1]) / 0.25, along_y, 1e-6);
}

} // namespace
} // namespace troupe::gpu
