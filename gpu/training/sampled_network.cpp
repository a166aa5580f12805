#include "gpu/training/sampled_network.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "gpu/copy.hpp"
#include "gpu/operators/loss.hpp"
#include "gpu/operators/reductions.hpp"
#include "gpu/training/fitness.hpp"

namespace troupe::training {
namespace {

/// Of workspace for the samples that pass through the network together.
constexpr std::size_t most_bytes = std::size_t{64} << 20;
/// Samples of a test set that pass together: enough to fill the arithmetic
/// units, few enough to stay in the caches.
constexpr std::size_t test_batch = 200;

} // namespace

sampled_network::sampled_network(models::model what, gpu::device where)
    : what_(std::move(what)),
      on_(where),
      network_(what_, where),
      width_(gpu::values_in(what_.shape)),
      most_(
          std::max<std::size_t>(1, most_bytes / (network_.bytes_per_sample() +
                                                    width_ * sizeof(float)))) {}

std::span<const float> sampled_network::forward(
    std::span<const float> parameters, const view& data,
    std::span<const std::uint32_t> samples, float scale) {
  const auto [logits, labels, losses] = pass(parameters, data, samples);
  gpu::softmax_cross_entropy(
      on_, logits, labels, losses, scale, trace_.out_gradient());
  return losses;
}

evaluation sampled_network::evaluate(
    std::span<const float> parameters, const view& data, std::stop_token stop) {
  check_fit(what_, data);
  evaluation result;
  std::vector<std::uint32_t> samples;
  const auto together = std::min(most_, test_batch);
  for (std::size_t first = 0; first < data.size() && !stop.stop_requested();
       first += together) {
    samples.resize(std::min(together, data.size() - first));
    std::iota(samples.begin(), samples.end(), std::uint32_t(first));
    const auto [logits, labels, losses] = pass(parameters, data, samples);
    gpu::softmax_cross_entropy(on_, logits, labels, losses);
    result.samples += samples.size();
    result.correct += gpu::count_correct(on_, logits, labels);
    result.loss_sum += gpu::sum(on_, losses);
  }
  return result;
}

void sampled_network::make_room(std::size_t count) {
  if (labels_.size() >= count)
    return;
  features_ = gpu::buffer{count * width_, on_};
  losses_ = gpu::buffer{count, on_};
  labels_ = gpu::block<std::uint8_t>{count, on_};
  if (on_.on_gpu()) {
    gathered_features_ = gpu::page_locked<float>{count * width_, on_};
    gathered_labels_ = gpu::page_locked<std::uint8_t>{count, on_};
  }
}

// The next call gathers into the memory that this one's copies read. Callers
// wait for the losses before, which come behind the copies.
sampled_network::passed sampled_network::pass(std::span<const float> parameters,
    const view& data, std::span<const std::uint32_t> samples) {
  const auto count = samples.size();
  make_room(count);
  const auto features = features_.span().first(count * width_);
  const auto labels = labels_.span().first(count);
  if (on_.on_gpu()) {
    const auto first = gathered_features_.span().first(features.size());
    const auto second = gathered_labels_.span().first(count);
    data.gather(samples, first, second);
    gpu::copy<float>(on_, first, features);
    gpu::copy<std::uint8_t>(on_, second, labels);
  } else {
    data.gather(samples, features, labels);
  }
  const auto logits =
      network_.forward(on_, parameters, {features, count, width_}, trace_);
  return {logits, labels, losses_.span().first(count)};
}

} // namespace troupe::training
