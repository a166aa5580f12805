#include "actors/computing/compute.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "actors/clocks.hpp"
#include "actors/computing/guard.hpp"
#include "gpu/aggregation/delta.hpp"
#include "gpu/aggregation/norms.hpp"
#include "gpu/aggregation/not_finite.hpp"
#include "gpu/copy.hpp"
#include "gpu/training/control_variate.hpp"
#include "gpu/training/stateful_learner.hpp"

namespace troupe {
namespace {

// From now on.
training::budget left_of(training::budget within, double send_by) {
  constexpr double least = 1e-9;
  if (send_by <= 0.0)
    return within;
  const auto left = std::max(send_by - wall_seconds(), least);
  within.seconds = within.seconds > 0.0 ? std::min(within.seconds, left) : left;
  return within;
}

} // namespace

compute_state::compute_state(compute::pointer self, gpu::device where,
    training::learner_factory make, double max_norm)
    : self_(self), where_(where), make_(std::move(make)), most_(max_norm) {}

compute::behavior_type compute_state::make_behavior() {
  return {
      [this](train_task& task) { take(task); },
      [this](const evaluate_task& task) { score(task); },
  };
}

// Made at the first task, on the slot's own thread.
training::learner& compute_state::learner() {
  if (!learner_)
    learner_ = make_(where_);
  return *learner_;
}

gpu::device_stream& compute_state::stream() {
  if (!stream_)
    stream_.emplace(where_);
  return *stream_;
}

// Ready for any stream, the learner's own included.
std::shared_ptr<gpu::buffer> compute_state::copied(
    const gpu::buffer& from, gpu::device to) {
  auto result = std::make_shared<gpu::buffer>(from.size(), to);
  gpu::copy<float>(stream(), from.span(), result->span());
  stream().synchronise();
  return result;
}

void compute_state::take(train_task& task) {
  if (task.turn < turn_)
    return;
  if (task.turn > turn_) {
    early_.try_emplace(task.turn, std::move(task));
    return;
  }
  train(task);
  ++turn_;
  for (auto next = early_.extract(turn_); next; next = early_.extract(turn_)) {
    train(next.mapped());
    ++turn_;
  }
}

void compute_state::train(train_task& task) {
  caf::error why;
  if (!task.stop.stop_requested()) {
    trained result;
    why = guarded(errc::learner_failed, [&] { result = run(task); });
    if (!why && !task.stop.stop_requested()) {
      send(self_, task.reply_to,
          update{client_id(task.work.client), std::move(result)});
      return;
    }
  }
  if (task.stop.stop_requested())
    why = caf::make_error(errc::stopped);
  send(self_, task.reply_to,
      failure{client_id(task.work.client), task.lease, std::move(why)});
}

// Trains a copy and turns it into the delta in place: one block a task. Deltas
// are taken on the host.
trained compute_state::run(const train_task& task) {
  auto begun = wall_seconds();
  auto block = copied(*task.parameters, where_);
  const gpu::shared_buffer own = task.state.value();
  auto state = own;
  auto work = task.work;
  work.within = left_of(work.within, task.send_by);
  work.correction = training::correction(
      work.how, own, task.variate.value(), task.parameters->size());
  auto outcome =
      training::train_client(learner(), state, block->span(), work, task.stop);
  if (task.stop.stop_requested())
    return {};
  if (!std::isfinite(outcome.loss))
    throw gpu::not_finite("the training loss is not finite");
  if (stream().on_gpu())
    block = copied(*block, gpu::device{});
  const auto largest = gpu::to_delta(block->span(), task.parameters->span());
  if (std::isnan(largest))
    throw gpu::not_finite("the trained parameters are not finite");
  if (work.how.keeps_variates())
    state = training::next_variate(work.how, work.version, own, work.correction,
        block->span(), outcome.steps);
  const auto too_large = most_ > 0.0 && gpu::is_longer(block->span(), most_);
  return {task.lease, task.work.version, outcome, wall_seconds() - begun,
      cpu_since_last(), std::move(block), largest, false, too_large,
      tensor{std::move(state)}};
}

// The thread does nothing else, and reading its CPU clock is a system call: one
// a millisecond is enough, and the next one tells what this one did not.
double compute_state::cpu_since_last() {
  const auto wall = wall_seconds();
  if (wall - asked_ < 1e-3)
    return 0.0;
  asked_ = wall;
  auto now = thread_seconds();
  return now - std::exchange(cpu_seen_, now);
}

void compute_state::score(const evaluate_task& task) {
  evaluated_part result{task.part, {}, 0.0, {}};
  if (!task.stop.stop_requested()) {
    send(self_, task.reply_to, part_begun{task.part, true});
    result.failed = guarded(errc::evaluation_failed, [&] {
      auto given = task.parameters;
      if (stream().on_gpu())
        given = copied(*given, where_);
      result.sums = learner().evaluate(given->span(), task.data, task.stop);
    });
  }
  if (task.stop.stop_requested())
    result.failed = caf::make_error(errc::stopped);
  result.cpu_seconds = cpu_since_last();
  send(self_, task.reply_to, std::move(result));
}

} // namespace troupe
