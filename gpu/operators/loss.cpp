#include "gpu/operators/loss.hpp"

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::gpu {
namespace {

/// Leaves exp(x - max x) in `powers` where there is one; returns log(sum exp
/// x).
float log_sum_exp(std::span<const float> x, float* powers, float& sum) {
  const auto largest = *std::max_element(x.begin(), x.end());
  sum = 0.0f;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto power = std::exp(x[i] - largest);
    if (powers != nullptr)
      powers[i] = power;
    sum += power;
  }
  return largest + std::log(sum);
}

std::span<const float> row(const const_matrix& x, std::size_t i) {
  return {x.data + i * x.columns, x.columns};
}

/// The loss of one row; its gradient to `to`.
float gradient_of_row(
    std::span<const float> x, std::uint8_t label, float scale, float* to) {
  float sum;
  const auto loss = log_sum_exp(x, to, sum) - x[label];
  for (std::size_t j = 0; j < x.size(); ++j)
    to[j] = (to[j] / sum - (j == label ? 1.0f : 0.0f)) * scale;
  return loss;
}

} // namespace

void softmax_cross_entropy(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels, std::span<float> losses) {
  assert(labels.size() == logits.rows && losses.size() == logits.rows);
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::softmax_cross_entropy(
          on, logits, labels, losses, 1.0f, {}, {});
  for (std::size_t i = 0; i < logits.rows; ++i) {
    const auto x = row(logits, i);
    float sum;
    losses[i] = log_sum_exp(x, nullptr, sum) - x[labels[i]];
  }
}

void softmax_cross_entropy(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels, std::span<float> losses, float scale,
    matrix gradient) {
  assert(labels.size() == logits.rows && losses.size() == logits.rows);
  assert(gradient.size() == logits.size());
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::softmax_cross_entropy(
          on, logits, labels, losses, scale, gradient, {});
  for (std::size_t i = 0; i < logits.rows; ++i)
    losses[i] = gradient_of_row(
        row(logits, i), labels[i], scale, gradient.data + i * gradient.columns);
}

void softmax_cross_entropy(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels, std::span<float> losses,
    std::span<const lane_step> steps, matrix gradient) {
  assert(labels.size() == logits.rows && losses.size() == logits.rows);
  assert(logits.rows % steps.size() == 0 && "lanes have equal shares");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::softmax_cross_entropy(
          on, logits, labels, losses, 0.0f, gradient, steps);
  const auto share = logits.rows / steps.size();
  for (std::size_t lane = 0; lane < steps.size(); ++lane)
    for (std::size_t i = lane * share; i < lane * share + steps[lane].rows; ++i)
      losses[i] = gradient_of_row(row(logits, i), labels[i], steps[lane].scale,
          gradient.data + i * gradient.columns);
}

std::size_t count_correct(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels) {
  assert(labels.size() == logits.rows);
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::count_correct(on, logits, labels);
  std::size_t correct = 0;
  for (std::size_t i = 0; i < logits.rows; ++i) {
    const auto x = row(logits, i);
    const auto first_largest =
        std::size_t(std::max_element(x.begin(), x.end()) - x.begin());
    const auto nan = std::any_of(
        x.begin(), x.end(), [](float value) { return std::isnan(value); });
    correct += first_largest == labels[i] && !nan;
  }
  return correct;
}

} // namespace troupe::gpu
