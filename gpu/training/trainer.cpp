#include "gpu/training/trainer.hpp"

#include "gpu/operators/reductions.hpp"
#include "gpu/optimisers/sgd.hpp"
#include "gpu/training/batches.hpp"
#include "gpu/training/fitness.hpp"
#include "gpu/training/sampled_network.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <stdexcept>

namespace troupe::training {
namespace {

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
      : samples_(std::move(what), where),
        optimiser_({}, gpu::size(samples_.network().parameters())) {}

  gpu::layout layout() const override {
    return samples_.network().parameters();
  }

  void initialise(std::span<float> parameters, std::uint64_t seed) override {
    samples_.network().initialise(parameters, seed);
  }

  outcome train(std::span<float> parameters, const assignment& work,
      std::stop_token stop) override;

  evaluation evaluate(std::span<const float> parameters, const view& data,
      std::stop_token stop) override {
    return samples_.evaluate(parameters, data, stop);
  }

private:
  struct lost {
    double sum = 0.0;
    double squares = 0.0;
  };
  lost step(std::span<float> parameters, const view& data,
      std::span<const std::uint32_t> batch, std::stop_token stop);

  sampled_network samples_;
  gpu::sgd optimiser_;
};

/// One step of descent; returns what the samples' losses before it add up to.
model_learner::lost model_learner::step(std::span<float> parameters,
    const view& data, std::span<const std::uint32_t> batch,
    std::stop_token stop) {
  auto& on = samples_.stream();
  const auto scale = 1.0f / float(batch.size());
  const auto together = samples_.most_together();
  const auto parts = (batch.size() + together - 1) / together;
  lost loss;
  for (std::size_t part = 0; part < parts; ++part) {
    if (stop.stop_requested())
      return loss; // of no use to anyone; a large batch may take a while
    const auto first = part * together;
    const auto samples =
        batch.subspan(first, std::min(together, batch.size() - first));
    const auto losses = samples_.forward(parameters, data, samples, scale);
    loss.sum += gpu::sum(on, losses);
    loss.squares += gpu::sum_of_squares(on, losses);
    samples_.backward(parameters, optimiser_.sink(on, parameters, part, parts));
  }
  optimiser_.step(on, parameters);
  return loss;
}

outcome model_learner::train(
    std::span<float> parameters, const assignment& work, std::stop_token stop) {
  auto& on = samples_.stream();
  assert(parameters.size() == gpu::size(samples_.network().parameters()));
  check_fit(samples_.model(), work.data);
  check_method(work.how);
  const auto& how = work.how;
  optimiser_.restart(on,
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
      on.synchronise();
      fail_step(work.version, result.steps, loss.sum / double(batch.size()));
    }
    losses.sum += loss.sum;
    losses.squares += loss.squares;
    result.samples += batch.size();
  }
  on.synchronise();
  if (result.samples > 0) {
    result.loss = losses.sum / double(result.samples);
    result.square_loss = losses.squares / double(result.samples);
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
