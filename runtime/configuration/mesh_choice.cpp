#include "runtime/configuration/mesh_choice.hpp"

#include "runtime/configuration/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <charconv>
#include <utility>

namespace troupe {

namespace {

using gpu::optimiser_options;

constexpr auto plainest_tree = collective::algorithm::binomial_tree;

// None: any number.
std::optional<std::uint64_t> staleness_of(std::string_view word) {
  if (word == "any")
    return {};
  std::uint64_t steps = 0;
  std::from_chars(word.data(), word.data() + word.size(), steps);
  return steps;
}

std::optional<collective::algorithm> algorithm_of(std::string_view word) {
  return word == "tree" ? plainest_tree : collective::algorithm_named(word);
}

parallel::sync sync_of(const configuration& what) {
  const auto found = parallel::sync_named(what.parallel.sync);
  assert(found && "one of those there are");
  return *found;
}

gpu::rate_schedule schedule_of(const configuration& what) {
  const auto& of = what.optimiser;
  gpu::rate_schedule result;
  result.warmup = of.warmup;
  if (of.schedule == "constant")
    return result;
  result.how =
      of.schedule == "linear" ? gpu::decay::linear : gpu::decay::cosine;
  result.steps = what.run.steps;
  result.floor = of.floor;
  return result;
}

optimiser_options optimiser_of(const configuration& what) {
  const auto& of = what.optimiser;
  optimiser_options result;
  result.lr = static_cast<float>(of.lr);
  result.weight_decay = static_cast<float>(of.weight_decay);
  result.clip = static_cast<float>(of.clip);
  result.rate = schedule_of(what);
  if (of.kind == "sgd") {
    result.kind = optimiser_options::rule::sgd;
    result.momentum = static_cast<float>(of.momentum);
    result.nesterov = of.nesterov;
    return result;
  }
  result.kind = optimiser_options::rule::adamw;
  result.beta1 = static_cast<float>(of.betas.front());
  result.beta2 = static_cast<float>(of.betas.back());
  result.epsilon = static_cast<float>(of.epsilon);
  return result;
}

// Values that the optimiser keeps of each parameter.
std::size_t states_kept(const configuration& what) {
  if (what.optimiser.kind == "adamw")
    return 2;
  return what.optimiser.momentum > 0.0 ? 1 : 0;
}

bool by_server(const configuration& what) {
  return what.parallel.sync == "parameter_server";
}

void check_batch(const configuration& what, const rule_row::findings& found) {
  const auto& of = what.parallel;
  if (of.batch % of.micro_batches != 0)
    found("parallel.micro_batches",
        fmt::format("does not divide parallel.batch = {}: micro-batches are "
                    "alike",
            of.batch));
  if (of.micro_batches < of.workers)
    found("parallel.micro_batches",
        fmt::format("leaves {} of parallel.workers = {} without any: a rank "
                    "has one or more",
            of.workers - of.micro_batches, of.workers));
  if (of.min_workers > of.workers)
    found("parallel.min_workers",
        fmt::format("is more than parallel.workers = {}", of.workers));
}

// What a canonical sum cannot go by, or a sharded one.
void check_algorithm(
    const configuration& what, const rule_row::findings& found) {
  using enum collective::algorithm;
  const auto& of = what.parallel;
  const auto by = algorithm_of(of.algorithm);
  if (!by || !find_key("parallel", "algorithm")->applies(what))
    return;
  const auto has = [&](collective::operation_kind kind) {
    return collective::defined(kind, *by);
  };
  if (of.bits == "canonical" &&
      (*by == chunked_ring || *by == double_tree || *by == doubling))
    found("parallel.algorithm",
        "adds in an order of its own, and parallel.bits = \"canonical\" has "
        "one for all: take ring, tree, halving_doubling, direct or bcube, or "
        "parallel.bits = \"fast\"");
  else if (of.zero > 0 && (!has(collective::operation_kind::reduce_scatter) ||
                              !has(collective::operation_kind::all_gather)))
    found("parallel.algorithm",
        fmt::format("sums for everybody alone, and parallel.zero = {} scatters "
                    "and gathers: take ring, halving_doubling or direct",
            of.zero));
}

void check_zero(const configuration& what, const rule_row::findings& found) {
  if (what.parallel.zero > 0 && what.parallel.sync != "all_reduce")
    found("parallel.zero",
        fmt::format("shards what parallel.sync = \"all_reduce\" keeps at every "
                    "rank; this is {}",
            toml_string(what.parallel.sync)));
}

// Nobody knows when a clock is over that nobody waits for.
void check_clocks(const configuration& what, const rule_row::findings& found) {
  if (!by_server(what) || what.parallel.staleness != "any" ||
      states_kept(what) == 0)
    return;
  found(what.optimiser.kind == "sgd" ? "optimiser.momentum" : "optimiser.kind",
      "steps once a clock, and with parallel.staleness = \"any\" there is "
      "none: take sgd without momentum, or a number of steps");
}

void check_optimiser(
    const configuration& what, const rule_row::findings& found) {
  const auto& of = what.optimiser;
  if (of.kind == "sgd" && of.nesterov && of.momentum == 0.0)
    found("optimiser.nesterov", "looks ahead along optimiser.momentum, which "
                                "is 0");
  if (of.betas.size() != 2)
    found("optimiser.betas", "is not a list of 2 numbers, like [0.9, 0.95]");
  if (of.warmup >= what.run.steps)
    found("optimiser.warmup",
        fmt::format("is not below run.steps = {}: the rate would never be "
                    "optimiser.lr",
            what.run.steps));
}

void check_surroundings(
    const configuration& what, const rule_row::findings& found) {
  if (what.data.set == "synthetic")
    found("data.set", "is made for a federation's clients; a mesh shares one "
                      "set: take fashion-mnist or idx");
  const auto& devices = what.compute.devices;
  const auto on_cpu = std::ranges::find(devices, "cpu") != devices.end();
  if (devices.size() > 1 && on_cpu && what.parallel.bits == "canonical")
    found("compute.devices", "mixes kinds of device, whose bits differ; "
                             "parallel.bits = \"canonical\" has the same "
                             "everywhere: take one kind, or \"fast\"");
}

} // namespace

double usual_rate(std::string_view kind) {
  return kind == "adamw" ? 1e-3 : configuration::optimiser_keys{}.lr;
}

parallel::plan plan_of(const configuration& what) {
  const auto& of = what.parallel;
  parallel::plan result;
  result.workers = static_cast<std::uint32_t>(of.workers);
  result.how = sync_of(what);
  result.batch = of.batch;
  result.micro_batches = static_cast<std::uint32_t>(of.micro_batches);
  result.canonical = of.bits == "canonical";
  result.optimiser = optimiser_of(what);
  result.seed = what.run.seed;
  switch (result.how) {
  case parallel::sync::all_reduce:
    result.by = algorithm_of(of.algorithm);
    result.zero = static_cast<std::uint32_t>(of.zero);
    break;
  case parallel::sync::parameter_server:
    result.shards = static_cast<std::uint32_t>(of.shards);
    result.staleness = staleness_of(of.staleness);
    break;
  case parallel::sync::diloco:
    result.outer_lr = static_cast<float>(of.outer_lr);
    result.outer_momentum = static_cast<float>(of.outer_momentum);
    [[fallthrough]];
  case parallel::sync::local_sgd:
    result.by = algorithm_of(of.algorithm);
    result.every = of.every;
    break;
  case parallel::sync::gossip:
    result.pairs = of.pairs == "random" ? parallel::pairing::random
                                        : parallel::pairing::ring;
    break;
  }
  return result;
}

bool bits_without_ranks(const configuration& what) {
  return what.is_mesh() && what.parallel.bits == "canonical" &&
         (what.parallel.sync == "all_reduce" ||
             (by_server(what) && what.parallel.staleness == "0"));
}

bool ranks_repeat_by_seed(const configuration& what) {
  return !by_server(what) || what.parallel.staleness == "0";
}

void check_mesh(const configuration& what, const rule_row::findings& found) {
  check_batch(what, found);
  check_algorithm(what, found);
  check_zero(what, found);
  check_clocks(what, found);
  check_optimiser(what, found);
  check_surroundings(what, found);
}

std::string agreement(const configuration& what) {
  const auto& of = what.parallel;
  auto text = of.sync;
  if (by_server(what)) {
    text +=
        fmt::format(" of {} shard{}, ", of.shards, of.shards == 1 ? "" : "s");
    text += of.staleness == "0"     ? "step by step"
            : of.staleness == "any" ? "nobody waits"
                                    : of.staleness + " steps ahead at most";
  } else if (of.sync == "gossip") {
    text += of.pairs == "ring" ? " in a ring" : " in random pairs";
  } else {
    if (of.sync != "all_reduce")
      text += fmt::format(" every {} steps", of.every);
    if (of.algorithm != "auto")
      text += " by " + of.algorithm;
    if (of.zero > 0)
      text += fmt::format(", zero {}", of.zero);
  }
  return fmt::format("{}, {}", text, of.bits);
}

std::string step_size(const configuration& what) {
  const auto& of = what.parallel;
  return fmt::format("{} sample{} in {} micro-batch{}", of.batch,
      of.batch == 1 ? "" : "s", of.micro_batches,
      of.micro_batches == 1 ? "" : "es");
}

std::string descent(const configuration& what) {
  const auto& of = what.optimiser;
  auto text = fmt::format("{}, rate {:g}", of.kind, of.lr);
  if (of.warmup > 0)
    text += fmt::format(", {} steps of warmup", of.warmup);
  if (of.schedule != "constant")
    text += fmt::format(", {} to {:g}", of.schedule, of.lr * of.floor);
  return text;
}

// A canonical rank keeps the sums of its subtrees: about as many as its
// micro-batches have binary digits.
double mesh_memory(double parameters, const configuration& what) {
  const auto& of = what.parallel;
  const auto ranks = static_cast<double>(of.workers);
  const auto part = [&](std::uint64_t stage) {
    return of.zero >= stage ? 1.0 / ranks : 1.0;
  };
  const auto own = std::max<std::uint64_t>(of.micro_batches / of.workers, 1);
  const auto sums =
      of.bits == "canonical" ? static_cast<double>(std::bit_width(own)) : 0.0;
  const auto state = static_cast<double>(states_kept(what));
  auto blocks = part(3) + part(2) + sums + state * part(1);
  if (by_server(what))
    blocks = 2.0 + sums + (2.0 + state) / ranks; // the shards have the state
  else if (of.sync == "diloco")
    blocks += 2.0; // where replicas began, and the outer momentum
  return ranks * blocks * parameters * static_cast<double>(sizeof(float));
}

} // namespace troupe
