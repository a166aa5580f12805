#include "gpu/operators/loss.hpp"

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

} // namespace

void softmax_cross_entropy(device_stream&, const_matrix logits,
    std::span<const std::uint8_t> labels, std::span<float> losses) {
  assert(labels.size() == logits.rows && losses.size() == logits.rows);
  for (std::size_t i = 0; i < logits.rows; ++i) {
    const auto x = row(logits, i);
    float sum;
    losses[i] = log_sum_exp(x, nullptr, sum) - x[labels[i]];
  }
}

void softmax_cross_entropy(device_stream&, const_matrix logits,
    std::span<const std::uint8_t> labels, std::span<float> losses, float scale,
    matrix gradient) {
  assert(labels.size() == logits.rows && losses.size() == logits.rows);
  assert(gradient.size() == logits.size());
  for (std::size_t i = 0; i < logits.rows; ++i) {
    const auto x = row(logits, i);
    auto* to = gradient.data + i * gradient.columns;
    float sum;
    losses[i] = log_sum_exp(x, to, sum) - x[labels[i]];
    for (std::size_t j = 0; j < x.size(); ++j)
      to[j] = (to[j] / sum - (j == labels[i] ? 1.0f : 0.0f)) * scale;
  }
}

std::size_t count_correct(
    device_stream&, const_matrix logits, std::span<const std::uint8_t> labels) {
  assert(labels.size() == logits.rows);
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
