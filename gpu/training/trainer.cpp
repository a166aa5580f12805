#include "gpu/training/trainer.hpp"

#include "gpu/block.hpp"
#include "gpu/copy.hpp"
#include "gpu/models/network.hpp"
#include "gpu/operators/loss.hpp"
#include "gpu/operators/reductions.hpp"
#include "gpu/optimisers/sgd.hpp"
#include "gpu/training/batches.hpp"
#include "gpu/training/fitness.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace troupe::training {
namespace {

/// Of workspace for the samples that pass through the network together.
constexpr std::size_t most_bytes = std::size_t{64} << 20;
/// Samples of a test set that pass together: enough to fill the arithmetic
/// units, few enough to stay in the caches.
constexpr std::size_t test_batch = 200;

/// Of a budget, since it was made.
class spent {
public:
  explicit spent(const budget& of) : of_(of) {}

  bool all(std::uint64_t steps) const {
    if (steps == 0)
      return false;
    if (of_.steps > 0 && steps >= of_.steps)
      return true;
    const std::chrono::duration<double> time = clock::now() - since_;
    return of_.seconds > 0.0 && time.count() >= of_.seconds;
  }

private:
  using clock = std::chrono::steady_clock;
  budget of_;
  clock::time_point since_ = clock::now();
};

class model_learner : public learner {
public:
  model_learner(models::model what, gpu::device where)
      : what_(std::move(what)),
        on_(where),
        network_(what_, where),
        optimiser_({}, gpu::size(network_.parameters())),
        width_(gpu::values_in(what_.shape)),
        part_(std::max<std::size_t>(
            1, most_bytes /
                   (network_.bytes_per_sample() + width_ * sizeof(float)))) {}

  gpu::layout layout() const override { return network_.parameters(); }

  void initialise(std::span<float> parameters, std::uint64_t seed) override {
    network_.initialise(parameters, seed);
  }

  outcome train(std::span<float> parameters, const assignment& work,
      std::stop_token stop) override;
  evaluation evaluate(std::span<const float> parameters, const view& data,
      std::stop_token stop) override;

private:
  /// Some samples passed through the network: their logits and labels.
  struct passed {
    gpu::const_matrix logits;
    std::span<const std::uint8_t> labels;
    std::span<float> losses; // for the loss to write
  };

  void make_room(std::size_t count);
  passed forward(std::span<const float> parameters, const view& data,
      std::span<const std::uint32_t> samples);
  struct lost {
    double sum = 0.0;
    double squares = 0.0;
  };
  lost step(std::span<float> parameters, const view& data,
      std::span<const std::uint32_t> batch, std::stop_token stop);

  models::model what_;
  gpu::device_stream on_;
  models::network network_;
  gpu::sgd optimiser_;
  std::size_t width_; // values a sample
  std::size_t part_;  // most samples that pass together
  gpu::buffer features_;
  gpu::buffer losses_;
  gpu::block<std::uint8_t> labels_;
  // What a GPU is given is gathered here first.
  gpu::page_locked<float> gathered_features_;
  gpu::page_locked<std::uint8_t> gathered_labels_;
};

void model_learner::make_room(std::size_t count) {
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
model_learner::passed model_learner::forward(std::span<const float> parameters,
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
      network_.forward(on_, parameters, {features, count, width_});
  return {logits, labels, losses_.span().first(count)};
}

/// One step of descent; returns what the samples' losses before it add up to.
model_learner::lost model_learner::step(std::span<float> parameters,
    const view& data, std::span<const std::uint32_t> batch,
    std::stop_token stop) {
  const auto scale = 1.0f / float(batch.size());
  const auto parts = (batch.size() + part_ - 1) / part_;
  lost loss;
  for (std::size_t part = 0; part < parts; ++part) {
    if (stop.stop_requested())
      return loss; // of no use to anyone; a large batch may take a while
    const auto first = part * part_;
    const auto samples =
        batch.subspan(first, std::min(part_, batch.size() - first));
    const auto [logits, labels, losses] = forward(parameters, data, samples);
    gpu::softmax_cross_entropy(
        on_, logits, labels, losses, scale, network_.logits_gradient());
    loss.sum += gpu::sum(on_, losses);
    loss.squares += gpu::sum_of_squares(on_, losses);
    network_.backward(
        on_, parameters, optimiser_.sink(on_, parameters, part, parts));
  }
  optimiser_.step(on_, parameters);
  return loss;
}

outcome model_learner::train(
    std::span<float> parameters, const assignment& work, std::stop_token stop) {
  assert(parameters.size() == gpu::size(network_.parameters()));
  check_fit(what_, work.data);
  check_method(work.how);
  const auto& how = work.how;
  optimiser_.restart(on_,
      {.lr = how.rate(work.version),
          .momentum = how.momentum,
          .weight_decay = how.weight_decay,
          .clip = how.clip,
          .pull = how.pull()},
      work.correction ? work.correction->span() : std::span<const float>{});
  batches order{work.data.size(), how, work.random};
  outcome result;
  lost losses;
  const spent so_far{work.within};
  for (auto batch = order.next(); !batch.empty() && !stop.stop_requested();
       batch = order.next()) {
    if (so_far.all(result.steps)) {
      result.partial = true;
      break;
    }
    const auto loss = step(parameters, work.data, batch, stop);
    ++result.steps;
    if (!std::isfinite(loss.sum)) {
      on_.synchronise();
      fail_step(work.version, result.steps, loss.sum / double(batch.size()));
    }
    losses.sum += loss.sum;
    losses.squares += loss.squares;
    result.samples += batch.size();
  }
  on_.synchronise();
  if (result.samples > 0) {
    result.loss = losses.sum / double(result.samples);
    result.square_loss = losses.squares / double(result.samples);
  }
  return result;
}

evaluation model_learner::evaluate(
    std::span<const float> parameters, const view& data, std::stop_token stop) {
  check_fit(what_, data);
  evaluation result;
  std::vector<std::uint32_t> samples;
  const auto together = std::min(part_, test_batch);
  for (std::size_t first = 0; first < data.size() && !stop.stop_requested();
       first += together) {
    samples.resize(std::min(together, data.size() - first));
    std::iota(samples.begin(), samples.end(), std::uint32_t(first));
    const auto [logits, labels, losses] = forward(parameters, data, samples);
    gpu::softmax_cross_entropy(on_, logits, labels, losses);
    result.samples += samples.size();
    result.correct += gpu::count_correct(on_, logits, labels);
    result.loss_sum += gpu::sum(on_, losses);
  }
  return result;
}

} // namespace

learner_factory trainer(models::model what) {
  models::layout(what); // refuses what does not fit before any slot starts
  return [what = std::move(what)](gpu::device where) {
    return std::make_unique<model_learner>(what, where);
  };
}

} // namespace troupe::training
