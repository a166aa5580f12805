#include "runtime/simulation/training_workshop.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>
#include <utility>

#include "actors/clocks.hpp"
#include "gpu/aggregation/delta.hpp"
#include "gpu/aggregation/norms.hpp"
#include "gpu/aggregation/not_finite.hpp"
#include "gpu/training/control_variate.hpp"
#include "gpu/training/stateful_learner.hpp"
#include "protocols/publication.hpp"
#include "runtime/configuration/servers.hpp"

namespace troupe::simulation {
namespace {

// As an evaluator has them: a sum of losses has the bits of its parts.
constexpr std::size_t part = 500;

// Adds the CPU time of its life.
class stopwatch {
public:
  explicit stopwatch(double& to) : to_(to), began_(thread_seconds()) {}
  ~stopwatch() { to_ += thread_seconds() - began_; }

private:
  double& to_;
  double began_;
};

} // namespace

training_workshop::training_workshop(
    const topology& what, std::vector<training::view> clients)
    : config_(what.config()),
      learner_(what.learner()(gpu::device{})),
      clients_(std::move(clients)),
      test_(what.test_data()),
      size_(gpu::size(learner_->layout())),
      server_(server_of(config_)),
      sums_(on_, server_, {0, size_}),
      current_(what.initial()),
      blocks_(initial_blocks(server_, size_)) {
  if (current_)
    return;
  auto block = std::make_shared<gpu::buffer>(size_);
  learner_->initialise(block->span(), config_.run.seed);
  current_ = std::move(block);
}

loan training_workshop::lend() {
  loan result{current_};
  if (server_.variate == gpu::variate_use::corrects)
    for (const auto& each : blocks_)
      if (each.name == "variate")
        result.variate = each.values;
  return result;
}

product training_workshop::train(
    const federated::grant& what, const loan& from) {
  const stopwatch measured{compute_seconds_};
  const auto given = from.parameters->span();
  auto block = std::make_shared<gpu::buffer>(size_);
  std::ranges::copy(given, block->span().begin());
  training::assignment work{what.client, what.base, clients_.at(what.client),
      config_.client.with_work(what.work),
      gpu::random_stream{
          config_.run.seed, gpu::stream::train, what.client, what.base}};
  work.within.steps = what.most_steps;
  const gpu::shared_buffer& own = from.state;
  work.correction = training::correction(work.how, own, from.variate, size_);
  auto state = own;
  product result;
  result.outcome =
      training::train_client(*learner_, state, block->span(), work, {});
  if (!std::isfinite(result.outcome.loss))
    throw gpu::not_finite("the training loss is not finite");
  result.largest = gpu::to_delta(block->span(), given);
  if (std::isnan(result.largest))
    throw gpu::not_finite("the trained parameters are not finite");
  if (work.how.keeps_variates())
    state = training::next_variate(work.how, work.version, own, work.correction,
        block->span(), result.outcome.steps);
  const auto most = config_.federation.max_norm;
  result.too_large = most > 0.0 && gpu::is_longer(block->span(), most);
  result.delta = std::move(block);
  result.state = std::move(state);
  return result;
}

std::uint64_t training_workshop::add(
    const product& what, const loan& from, const federated::verdict& how) {
  auto values = what.delta->span();
  gpu::buffer mixed;
  if (how.mix && from.parameters.here != current_) {
    mixed = gpu::buffer{size_};
    gpu::rebase(
        on_, from.parameters->span(), values, current_->span(), mixed.span());
    values = std::as_const(mixed).span();
  }
  const gpu::contribution one{values, how.weight, how.share};
  const auto said = sums_.add(on_, {&one, 1}, {&how.drift, 1}).front();
  assert(said == gpu::admission::added && "what was admitted can be summed");
  return said.checksum;
}

made_version training_workshop::publish(const federated::publication& plan) {
  next_blocks into{size_, blocks_.size()};
  const auto& next = into.get();
  gpu::server_blocks<const float> from;
  from.parameters = current_->span();
  gpu::server_blocks<float> to;
  to.parameters = next.parameters->span();
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    from.of(blocks_[i].name) = blocks_[i].values->span();
    to.of(blocks_[i].name) = next.state[i]->span();
  }
  made_version result;
  result.sum = sums_.publish(on_, from, plan.scale, to, plan.variate);
  result.step = gpu::largest_difference(to.parameters, from.parameters);
  current_ = next.parameters;
  for (std::size_t i = 0; i < blocks_.size(); ++i)
    blocks_[i].values = next.state[i];
  return result;
}

training::evaluation training_workshop::score() {
  const stopwatch measured{compute_seconds_};
  training::evaluation result;
  for (std::size_t first = 0; first < test_.size(); first += part)
    result.merge(learner_->evaluate(current_->span(),
        test_.slice(first, std::min(part, test_.size() - first)), {}));
  return result;
}

void training_workshop::restore(tensor parameters, named_blocks blocks) {
  sums_.clear(on_);
  current_ = std::move(parameters.here);
  blocks_ = std::move(blocks);
}

} // namespace troupe::simulation
