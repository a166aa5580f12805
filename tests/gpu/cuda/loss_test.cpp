#include "tests/gpu/cuda/on_gpu.hpp"

#include "gpu/operators/lane_batches.hpp"
#include "gpu/operators/loss.hpp"

namespace troupe::tests {
namespace {

using gpu::device_stream;
using gpu::lane_score;
using gpu::lane_step;
using gpu::lane_tally;

// Exponentials and logarithms are a few units in the last place apart, and a
// thousand classes are summed in another order.
constexpr auto tolerance = 2e-5f;

class loss_test : public on_gpu {
protected:
  std::vector<std::uint8_t> labels_for(std::size_t rows, std::size_t classes) {
    return random_bytes(
        rows, std::uint32_t(std::min<std::size_t>(classes, 256)));
  }
};
TROUPE_ON_EVERY_GPU(loss_test);

TEST_P(loss_test, cross_entropy_is_the_hosts) {
  for (std::size_t rows : {0, 1, 9, 130})
    for (std::size_t classes : {1, 2, 10, 33, 1500}) {
      auto logits = sent(scaled(random_values(rows * classes), 10.0f));
      auto labels = sent(labels_for(rows, classes));
      auto losses = poison(rows);
      auto again = poison(rows);
      auto gradient = poison(rows * classes);

      on_both([&](device_stream& on) {
        const gpu::const_matrix x{logits.at(on), rows, classes};
        softmax_cross_entropy(on, x, labels.at(on), losses.at(on));
        softmax_cross_entropy(on, x, labels.at(on), again.at(on), 0.1f,
            {gradient.at(on), rows, classes});
      });

      expect_near(losses, tolerance);
      expect_near(gradient, 0.1f * tolerance);
      EXPECT_EQ(again.fetched(gpu()), losses.fetched(gpu()));
    }
}

TEST_P(loss_test, cross_entropy_of_lanes_leaves_other_rows) {
  const std::size_t share = 11, classes = 10;
  for (std::size_t lanes : {1, 5}) {
    auto steps = sent(random_steps(lanes, share));
    const auto rows = lanes * share;
    auto logits = random_rows(steps.host(), share, classes);
    auto labels = sent(labels_for(rows, classes));
    auto losses = random(rows);
    auto gradient = random(rows * classes);

    on_both([&](device_stream& on) {
      softmax_cross_entropy(on, {logits.at(on), rows, classes}, labels.at(on),
          losses.at(on), steps.at(on), {gradient.at(on), rows, classes});
    });

    expect_near(losses, tolerance);
    expect_near(gradient, tolerance);
  }
}

TEST_P(loss_test, large_logits_and_nan_are_the_hosts) {
  auto logits = sent(std::vector<float>{1000, 0, -1000, 0, nan, 1, infinity, 2,
      -infinity, -infinity, -infinity, 3});
  auto labels = sent(std::vector<std::uint8_t>{0, 0, 1, 0, 0, 1});
  auto losses = poison(6);

  on_both([&](device_stream& on) {
    softmax_cross_entropy(
        on, {logits.at(on), 6, 2}, labels.at(on), losses.at(on));
  });

  expect_near(losses, tolerance);
}

// Few different values, so that rows have several largest ones.
TEST_P(loss_test, count_correct_is_the_hosts) {
  for (std::size_t rows : {0, 1, 300})
    for (std::size_t classes : {1, 2, 10, 70}) {
      std::vector<float> values(rows * classes);
      for (auto& value : values) {
        const float some[]{0.0f, -0.0f, 1.0f, -infinity, infinity, nan};
        value = some[below(below(20) == 0 ? 6 : 4)];
      }
      auto logits = sent(std::move(values));
      auto labels = sent(labels_for(rows, classes));

      EXPECT_EQ(count_correct(
                    gpu(), {logits.at(gpu()), rows, classes}, labels.at(gpu())),
          count_correct(
              host, {logits.at(host), rows, classes}, labels.at(host)));
    }
}

TEST_P(loss_test, tally_is_the_hosts_to_the_bit) {
  const std::size_t share = 21, lanes = 40;
  auto losses = sent(random_values(lanes * share));
  auto tallies = sent(std::vector<lane_tally>(lanes));
  for (auto round = 0; round < 4; ++round) {
    auto steps = sent(random_steps(lanes, share));
    auto broken = losses.host();
    broken[below(std::uint32_t(broken.size()))] = round == 1 ? nan : infinity;
    auto now = sent(round == 0 ? losses.host() : broken);

    on_both([&](device_stream& on) {
      tally(on, steps.at(on), now.at(on), tallies.at(on));
    });
  }

  const auto actual = tallies.fetched(gpu());
  for (std::size_t i = 0; i < lanes; ++i) {
    const auto& expected = tallies.host()[i];
    EXPECT_TRUE(actual[i].loss == expected.loss || std::isnan(expected.loss));
    EXPECT_EQ(std::isnan(actual[i].loss), std::isnan(expected.loss));
    EXPECT_TRUE(actual[i].square_loss == expected.square_loss ||
                !std::isfinite(expected.loss));
    EXPECT_TRUE(actual[i].bad_loss == expected.bad_loss ||
                std::isnan(expected.bad_loss));
    EXPECT_EQ(actual[i].steps, expected.steps);
    EXPECT_EQ(actual[i].bad, expected.bad);
  }
}

TEST_P(loss_test, score_adds_up_the_rows_of_a_step) {
  const std::size_t room = 1100, classes = 10;
  auto logits = random(room * classes);
  auto labels = sent(labels_for(room, classes));
  auto sums = sent(std::vector<lane_score>(1));
  for (std::uint32_t rows : {0u, 1u, 100u, 1100u}) {
    lane_step now;
    now.rows = rows;
    auto step = sent(std::vector<lane_step>{now});

    on_both([&](device_stream& on) {
      score(on, step.at(on), {logits.at(on), room, classes}, labels.at(on),
          sums.at(on));
    });

    const auto actual = sums.fetched(gpu())[0];
    EXPECT_EQ(actual.correct, sums.host()[0].correct);
    EXPECT_NEAR(actual.loss, sums.host()[0].loss, 1e-6 * room);
  }
}

} // namespace
} // namespace troupe::tests
