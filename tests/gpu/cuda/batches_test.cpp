#include "tests/gpu/cuda/on_gpu.hpp"

#include <numeric>

#include "gpu/operators/lane_batches.hpp"

// Everything here is the host's to the bit.
namespace troupe::tests {
namespace {

using gpu::device_stream;
using gpu::lane_step;
using gpu::lane_tally;
using gpu::lane_work;

class batches_test : public on_gpu {};
TROUPE_ON_EVERY_GPU(batches_test);

TEST_P(batches_test, lanes_walk_through_their_samples) {
  const std::size_t lanes = 6, share = 5, samples = 40;
  for (std::size_t width : {1, 19, 784}) {
    auto bytes = sent(random_bytes(samples * width, 256));
    auto floats = random(samples * width);
    auto labels = sent(random_bytes(samples, 256));
    std::vector<std::uint32_t> shuffled(samples);
    for (auto& which : shuffled)
      which = below(samples);
    auto order = sent(shuffled);
    std::vector<lane_step> plan(9);
    for (auto& step : plan) {
      step.rows = below(share + 1);
      step.first = below(samples - share);
      step.rate = float(below(100));
    }
    auto steps = sent(plan);
    auto works = sent(std::vector<lane_work>(lanes));
    auto tallies = sent(std::vector<lane_tally>(lanes));
    auto now = sent(std::vector<lane_step>(lanes));
    auto features = poison(lanes * share * width);
    auto found = sent(std::vector<std::uint8_t>(lanes * share, 77));

    on_both([&](device_stream& on) {
      // Lane 3 is never given work, lane 1 is given none.
      for (std::size_t lane : {0, 1, 2, 4, 5}) {
        const auto next = std::uint32_t(lane);
        assign(on, works.at(on), tallies.at(on), lane,
            {lane % 2 == 0 ? bytes.at(on).data() : nullptr,
                lane % 2 == 0 ? nullptr : floats.at(on).data(),
                labels.at(on).data(), order.at(on).data(), steps.at(on).data(),
                next, lane == 1 ? next : next + 3});
      }
    });
    for (auto step = 0; step < 5; ++step) {
      on_both([&](device_stream& on) {
        next_steps(on, works.at(on), now.at(on));
        gather(on, works.at(on), now.at(on),
            {features.at(on), lanes * share, width}, found.at(on));
      });

      const auto actual = now.fetched(gpu());
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        EXPECT_EQ(actual[lane].rows, now.host()[lane].rows);
        EXPECT_EQ(actual[lane].first, now.host()[lane].first);
        EXPECT_EQ(actual[lane].rate, now.host()[lane].rate);
      }
      expect_same(features);
      EXPECT_EQ(found.fetched(gpu()), found.host());
    }
    EXPECT_EQ(works.fetched(gpu())[2].next, 5u);
    EXPECT_EQ(tallies.fetched(gpu())[2].loss, 0.0);
  }
}

TEST_P(batches_test, assign_begins_a_tally_anew) {
  lane_tally old;
  old.loss = 3.0;
  old.steps = 2;
  old.bad = 1;
  auto works = sent(std::vector<lane_work>(2));
  auto tallies = sent(std::vector<lane_tally>(2, old));

  on_both([&](device_stream& on) {
    assign(on, works.at(on), tallies.at(on), 1, {});
  });

  const auto actual = tallies.fetched(gpu());
  EXPECT_EQ(actual[0].loss, 3.0);
  EXPECT_EQ(actual[1].loss, 0.0);
  EXPECT_EQ(actual[1].steps, 0u);
  EXPECT_EQ(actual[1].bad, 0u);
}

TEST_P(batches_test, all_bytes_become_the_hosts_floats) {
  std::vector<std::uint8_t> all(256);
  std::iota(all.begin(), all.end(), std::uint8_t{0});
  auto bytes = sent(all);
  auto labels = sent(std::vector<std::uint8_t>{1});
  auto order = sent(std::vector<std::uint32_t>{0});
  lane_step one;
  one.rows = 1;
  auto step = sent(std::vector<lane_step>{one});
  auto features = poison(256);
  auto found = sent(std::vector<std::uint8_t>(1));
  auto works = sent(std::vector<lane_work>(1));
  auto tallies = sent(std::vector<lane_tally>(1));

  on_both([&](device_stream& on) {
    assign(on, works.at(on), tallies.at(on), 0,
        {bytes.at(on).data(), nullptr, labels.at(on).data(),
            order.at(on).data(), step.at(on).data(), 0, 1});
    gather(
        on, works.at(on), step.at(on), {features.at(on), 1, 256}, found.at(on));
  });

  expect_same(features);
}

} // namespace
} // namespace troupe::tests
