#include "gpu/operators/lane_batches.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"
#include "gpu/operators/loss.hpp"

namespace troupe::gpu {
namespace {

void copy_sample(const lane_work& of, std::size_t sample, std::span<float> to) {
  if (of.bytes != nullptr)
    for (std::size_t i = 0; i < to.size(); ++i)
      to[i] = float(of.bytes[sample * to.size() + i]) / 255.0f;
  else
    std::copy_n(of.floats + sample * to.size(), to.size(), to.begin());
}

} // namespace

void assign(device_stream& on, std::span<lane_work> works,
    std::span<lane_tally> tallies, std::size_t lane, const lane_work& what) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::assign(on, works, tallies, lane, what);
  works[lane] = what;
  tallies[lane] = {};
}

void next_steps(
    device_stream& on, std::span<lane_work> works, std::span<lane_step> steps) {
  assert(works.size() == steps.size());
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::next_steps(on, works, steps);
  for (std::size_t i = 0; i < works.size(); ++i)
    steps[i] = works[i].next < works[i].end ? works[i].steps[works[i].next++]
                                            : lane_step{};
}

void gather(device_stream& on, std::span<const lane_work> works,
    std::span<const lane_step> steps, matrix features,
    std::span<std::uint8_t> labels) {
  assert(works.size() == steps.size() && labels.size() == features.rows);
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::gather(on, works, steps, features, labels);
  const auto share = features.rows / works.size();
  for (std::size_t lane = 0; lane < works.size(); ++lane)
    for (std::size_t i = 0; i < steps[lane].rows; ++i) {
      const auto row = lane * share + i;
      const auto sample = works[lane].order[steps[lane].first + i];
      copy_sample(works[lane], sample, features.slice(row, 1).span());
      labels[row] = works[lane].labels[sample];
    }
}

void tally(device_stream& on, std::span<const lane_step> steps,
    std::span<const float> losses, std::span<lane_tally> tallies) {
  assert(steps.size() == tallies.size());
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::tally(on, steps, losses, tallies);
  const auto share = losses.size() / steps.size();
  for (std::size_t lane = 0; lane < steps.size(); ++lane) {
    auto& to = tallies[lane];
    auto sum = 0.0, squares = 0.0;
    for (std::size_t i = 0; i < steps[lane].rows; ++i) {
      const double loss = losses[lane * share + i];
      sum += loss;
      squares += loss * loss;
    }
    to.loss += sum;
    to.square_loss += squares;
    if (to.bad == 0 && !std::isfinite(sum)) {
      to.bad = to.steps + 1;
      to.bad_loss = sum * steps[lane].scale;
    }
    to.steps += steps[lane].completes;
  }
}

void score(device_stream& on, std::span<const lane_step> step,
    const_matrix logits, std::span<const std::uint8_t> labels,
    std::span<lane_score> sums) {
  assert(step.size() == 1 && sums.size() == 1);
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::score(on, step, logits, labels, sums);
  std::vector<float> losses(step[0].rows);
  const auto rows = logits.slice(0, losses.size());
  softmax_cross_entropy(on, rows, labels.first(losses.size()), losses);
  for (auto loss : losses)
    sums[0].loss += loss;
  sums[0].correct += count_correct(on, rows, labels.first(losses.size()));
}

void difference(device_stream& on, std::span<const float> trained,
    std::span<const float> given, std::span<float> delta,
    std::span<std::uint32_t> largest) {
  assert(trained.size() == given.size() && trained.size() == delta.size());
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::difference(on, trained, given, delta, largest);
  std::uint32_t most = 0;
  for (std::size_t i = 0; i < delta.size(); ++i) {
    delta[i] = trained[i] - given[i];
    most = std::max(most, std::bit_cast<std::uint32_t>(delta[i]) & 0x7fffffffu);
  }
  largest[0] = most;
}

} // namespace troupe::gpu
