#include "tests/gpu/cuda/on_gpu.hpp"

#include <bit>

#include "gpu/operators/descent.hpp"
#include "gpu/operators/lane_batches.hpp"
#include "gpu/operators/reductions.hpp"

namespace troupe::tests {
namespace {

using gpu::descent;
using gpu::device_stream;
using gpu::lane_step;

class reductions_test : public on_gpu {};
TROUPE_ON_EVERY_GPU(reductions_test);

// Within 1e-5 of the sum of magnitudes.
TEST_P(reductions_test, sum_columns_is_the_hosts_in_every_lane) {
  struct shape {
    std::size_t lanes, share, rows, columns;
  };
  for (auto [lanes, share, rows, columns] :
      {shape{1, 1, 1, 1}, shape{5, 10, 1, 131}, shape{4, 3, 100, 6},
          shape{3, 2, 333, 33}, shape{2, 300, 1, 9}, shape{2, 0, 1, 4}}) {
    const auto all = lanes * share * rows;
    auto steps = sent(random_steps(lanes, share));
    auto x = random_rows(steps.host(), share, rows * columns);
    auto to = random(lanes * columns);
    auto unread = poison(lanes * columns);
    auto bounds = std::vector<float>(to.size());
    const auto magnitudes = absolute(x.host());
    for (std::size_t lane = 0; lane < lanes; ++lane)
      for (std::size_t i = 0; i < steps.host()[lane].rows * rows * columns; ++i)
        bounds[lane * columns + i % columns] +=
            1e-5f * magnitudes[lane * share * rows * columns + i];

    on_both([&](device_stream& on) {
      auto plain = gpu::lanes{unread.at(on), lanes, nullptr};
      auto stepped = gpu::lanes{to.at(on), lanes, steps.at(on).data()};
      sum_columns(on, {x.at(on), all, columns}, {stepped}, rows);
      sum_columns(on, {x.at(on), all, columns}, {plain}, rows);
    });

    for (auto& bound : bounds)
      bound += 1e-6f;
    expect_near(to, bounds);
    expect_near(unread, bounds);
  }
}

TEST_P(reductions_test, sums_are_the_hosts_in_double) {
  for (std::size_t size : {0, 1, 1000, 70'001}) {
    auto x = random(size);

    EXPECT_NEAR(sum(gpu(), x.at(gpu())), sum(host, x.at(host)), 1e-8);
    EXPECT_NEAR(sum_of_squares(gpu(), x.at(gpu())),
        sum_of_squares(host, x.at(host)), 1e-8);
    EXPECT_EQ(
        sum_of_squares(gpu(), x.at(gpu())), sum_of_squares(gpu(), x.at(gpu())));
  }
}

class descent_test : public on_gpu {
protected:
  /// Lanes of `size` values in the middle of wider ones, whose rest is NaN and
  /// stays so.
  std::size_t before = 3, after = 2;
  twin<float> lanes_of(std::size_t lanes, std::size_t size) {
    const auto stride = before + size + after;
    auto values = random_values(lanes * stride);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (i % stride < before || i % stride >= before + size)
        values[i] = nan;
    return sent(std::move(values));
  }
  gpu::lanes part(std::span<float> all, std::size_t lanes, std::size_t size,
      const lane_step* steps) const {
    return gpu::lanes{all, lanes, steps}.part(before, size);
  }

  /// One step on both sides.
  void descend_on_both(const descent& how, std::size_t lanes, std::size_t size,
      bool stepped, bool moving, twin<float>& velocity,
      twin<float>& parameters) {
    auto steps = sent(random_steps(lanes, 9));
    auto gradient = lanes_of(lanes, size);
    on_both([&](device_stream& on) {
      const auto* now = stepped ? steps.at(on).data() : nullptr;
      descend(on, how, part(gradient.at(on), lanes, size, now), moving,
          how.momentum > 0.0f ? part(velocity.at(on), lanes, size, now)
                              : gpu::lanes{},
          part(parameters.at(on), lanes, size, now));
    });
  }
};
TROUPE_ON_EVERY_GPU(descent_test);

TEST_P(descent_test, steps_are_the_hosts_to_the_bit_unless_clipped) {
  for (auto momentum : {0.0f, 0.9f})
    for (auto decay : {0.0f, 0.01f})
      for (auto stepped : {false, true})
        for (std::size_t size : {0, 1, 1025}) {
          const std::size_t lanes = 5;
          auto velocity = lanes_of(lanes, size);
          auto parameters = lanes_of(lanes, size);
          for (auto moving : {false, true})
            descend_on_both({0.1f, momentum, decay, 0.0f}, lanes, size, stepped,
                moving, velocity, parameters);

          expect_same(velocity);
          expect_same(parameters);
        }
}

TEST_P(descent_test, pulls_back_and_corrects_each_lane_as_the_host_to_the_bit) {
  for (auto momentum : {0.0f, 0.9f})
    for (auto stepped : {false, true})
      for (std::size_t size : {0, 1, 1024, 9001}) {
        const std::size_t lanes = 5;
        before = size % 2 == 0 ? 8 : 3; // both kinds of access
        after = 8 - size % 4;
        auto steps = sent(random_steps(lanes, 9));
        auto gradient = lanes_of(lanes, size);
        auto velocity = lanes_of(lanes, size);
        auto parameters = lanes_of(lanes, size);
        auto start = lanes_of(lanes, size);
        auto correction = lanes_of(lanes, size);

        on_both([&](device_stream& on) {
          const auto* now = stepped ? steps.at(on).data() : nullptr;
          descend(on, {0.1f, momentum, 0.01f, 0.0f, 0.5f},
              part(gradient.at(on), lanes, size, now), true,
              part(velocity.at(on), lanes, size, now),
              part(parameters.at(on), lanes, size, now),
              {part(start.at(on), lanes, size, now),
                  part(correction.at(on), lanes, size, now)});
        });

        expect_same(gradient);
        expect_same(velocity);
        expect_same(parameters);
      }
}

// As a cohort's lie.
TEST_P(descent_test, steps_of_aligned_lanes_are_the_hosts_to_the_bit) {
  for (auto momentum : {0.0f, 0.9f})
    for (std::size_t size : {4, 1021, 9000}) {
      const std::size_t lanes = 5;
      before = 8;
      after = 8 - size % 4;
      auto velocity = lanes_of(lanes, size);
      auto parameters = lanes_of(lanes, size);
      for (auto moving : {false, true})
        descend_on_both({0.1f, momentum, 0.01f, 0.0f}, lanes, size, true,
            moving, velocity, parameters);

      expect_same(velocity);
      expect_same(parameters);
    }
}

TEST_P(descent_test, a_velocity_from_nowhere_is_not_read) {
  auto velocity = poison(7);
  auto parameters = random(7);
  auto gradient = random(7);

  on_both([&](device_stream& on) {
    descend(on, {0.1f, 0.9f, 0.0f, 0.0f}, gradient.at(on), false,
        velocity.at(on), parameters.at(on));
  });

  expect_same(velocity);
  expect_same(parameters);
}

// The norm may differ in its last bit.
TEST_P(descent_test, clips_each_lane_by_its_own_norm) {
  for (auto momentum : {0.0f, 0.9f})
    for (auto clip : {0.5f, 1e6f})
      for (std::size_t size : {1, 20'000, 40'001}) {
        const std::size_t lanes = 4;
        auto velocity = lanes_of(lanes, size);
        auto parameters = lanes_of(lanes, size);
        for (auto moving : {false, true})
          descend_on_both({0.1f, momentum, 0.01f, clip}, lanes, size, true,
              moving, velocity, parameters);

        expect_near(velocity, 1e-6f);
        expect_near(parameters, 1e-6f);
      }
}

TEST_P(reductions_test, difference_tells_the_largest) {
  for (std::size_t size : {0, 1, 31, 5000})
    for (auto odd : {0.0f, infinity, nan}) {
      auto values = random_values(size);
      if (size > 0 && odd != 0.0f)
        values[below(std::uint32_t(size))] = odd;
      auto trained = sent(values);
      auto given = random(size);
      auto delta = poison(size);
      auto largest = sent(std::vector<std::uint32_t>{77});

      on_both([&](device_stream& on) {
        difference(
            on, trained.at(on), given.at(on), delta.at(on), largest.at(on));
      });

      expect_near(delta, 0.0f);
      const auto actual = largest.fetched(gpu())[0];
      if (std::isnan(odd) && size > 0)
        EXPECT_GT(actual, 0x7f800000u);
      else
        EXPECT_EQ(actual, largest.host()[0]);
    }
}

TEST_P(reductions_test, difference_of_values_that_begin_anywhere) {
  for (std::size_t from : {0, 1, 4})
    for (std::size_t to : {0, 3, 8}) {
      const std::size_t size = 3001;
      auto trained = random(from + size + 3);
      auto given = random(to + size + 3);
      auto largest = sent(std::vector<std::uint32_t>{77});

      on_both([&](device_stream& on) {
        const auto of = trained.at(on).subspan(from, size);
        difference(on, of, given.at(on).subspan(to, size), of, largest.at(on));
      });

      expect_same(trained);
      EXPECT_EQ(largest.fetched(gpu()), largest.host());
    }
}

} // namespace
} // namespace troupe::tests
