#include "gpu/optimisers/sgd.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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

} // namespace
} // namespace troupe::gpu
