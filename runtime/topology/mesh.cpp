#include "runtime/topology/mesh.hpp"

#include "runtime/configuration/mesh_choice.hpp"
#include "runtime/topology.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace troupe {

namespace {

using optimiser_keys = configuration::optimiser_keys;
using parallel_keys = configuration::parallel_keys;

// As a person would write it: 0.0003, and not what a float makes of it.
double as_written(float x) {
  return std::stod(fmt::format("{}", x));
}

template <class Choice>
void take_common(optimiser_keys& to, const Choice& from) {
  to.lr = as_written(from.lr);
  to.weight_decay = as_written(from.weight_decay);
  to.clip = as_written(from.clip);
}

void take(optimiser_keys& to, const sgd& from) {
  to.kind = "sgd";
  to.momentum = as_written(from.momentum);
  take_common(to, from);
}
void take(optimiser_keys& to, const nesterov& from) {
  to.kind = "sgd";
  to.momentum = as_written(from.momentum);
  to.nesterov = true;
  take_common(to, from);
}
void take(optimiser_keys& to, const adamw& from) {
  to.kind = "adamw";
  to.betas = {as_written(from.beta1), as_written(from.beta2)};
  to.epsilon = as_written(from.epsilon);
  take_common(to, from);
}

template <class Choice>
void take_sums(parallel_keys& to, const Choice& from) {
  to.algorithm = from.algorithm;
  to.bits = from.bits;
}

void take(parallel_keys& to, const all_reduce& from) {
  to.sync = "all_reduce";
  take_sums(to, from);
}
void take(parallel_keys& to, const zero& from) {
  to.sync = "all_reduce";
  to.zero = from.stage;
  take_sums(to, from);
}
void take(parallel_keys& to, const local_sgd& from) {
  to.sync = "local_sgd";
  to.every = from.every;
}
void take(parallel_keys& to, const diloco& from) {
  to.sync = "diloco";
  to.every = from.every;
  to.outer_lr = from.outer_lr;
  to.outer_momentum = from.outer_momentum;
}
void take(parallel_keys& to, const gossip& from) {
  to.sync = "gossip";
  to.pairs = from.pairs;
}

struct as_word {
  std::string operator()(bsp) const { return "0"; }
  std::string operator()(ssp x) const { return std::to_string(x.staleness); }
  std::string operator()(asp) const { return "any"; }
};

} // namespace

topology& topology::workers(std::uint64_t count, const optimiser_choice& how,
    const sync_choice& agree, samples on) {
  const auto least = config_.parallel.min_workers;
  config_.parallel = {};
  config_.parallel.workers = count;
  config_.parallel.min_workers = least;
  std::visit(
      [&](const auto& x) {
        config_.parallel.batch = x.batch;
        config_.parallel.micro_batches = x.micro_batches;
        take(config_.parallel, x);
      },
      agree);
  config_.run.checkpoint_every = mesh_checkpoints_every;
  if (!evaluates_as_said_)
    config_.run.evaluate_every = mesh_evaluates_every;
  if (!on.view().empty())
    samples_ = on.view();
  return optimiser(how);
}

topology& topology::optimiser(const optimiser_choice& how) {
  optimiser_keys fresh;
  fresh.schedule = config_.optimiser.schedule;
  fresh.warmup = config_.optimiser.warmup;
  fresh.floor = config_.optimiser.floor;
  config_.optimiser = fresh;
  std::visit([&](const auto& x) { take(config_.optimiser, x); }, how);
  if (const auto* plain = std::get_if<sgd>(&how))
    config_.client.lr_decay = plain->lr_decay; // refused by that name
  return *this;
}

topology& topology::rate(const rate_choice& how) {
  auto& to = config_.optimiser;
  std::visit([&](const auto& x) { to.warmup = x.warmup; }, how);
  to.floor = 0.0;
  if (std::holds_alternative<constant>(how)) {
    to.schedule = "constant";
  } else if (const auto* line = std::get_if<linear>(&how)) {
    to.schedule = "linear";
    to.floor = line->floor;
  } else if (const auto* wave = std::get_if<cosine>(&how)) {
    to.schedule = "cosine";
    to.floor = wave->floor;
  }
  return *this;
}

topology& topology::parameter_server(
    troupe::shards parts, const staleness_choice& bound) {
  auto& to = config_.parallel;
  parallel_keys fresh;
  fresh.workers = to.workers;
  fresh.min_workers = to.min_workers;
  fresh.batch = to.batch;
  fresh.micro_batches = to.micro_batches;
  fresh.bits = to.bits;
  fresh.wire = to.wire;
  fresh.sync = "parameter_server";
  fresh.shards = parts.count;
  fresh.staleness = std::visit(as_word{}, bound);
  to = std::move(fresh);
  return *this;
}

topology& topology::min_workers(std::uint64_t count) {
  config_.parallel.min_workers = count;
  return *this;
}

topology& topology::until(steps end) {
  config_.run.steps = end.count;
  return *this;
}

} // namespace troupe
