#include "runtime/configuration/mesh_keys.hpp"

#include "protocols/collective/algorithm.hpp"
#include "protocols/parallel/plan.hpp"
#include "runtime/configuration/mesh_choice.hpp"
#include "runtime/configuration/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace troupe {

namespace {

using namespace std::string_view_literals;

using parallel_keys = configuration::parallel_keys;
using optimiser_keys = configuration::optimiser_keys;
using condition = bool (*)(const configuration&);
using words = std::span<const std::string_view>;

template <auto Member>
cell in_parallel(configuration& c) {
  return &(c.parallel.*Member);
}
template <auto Member>
cell in_optimiser(configuration& c) {
  return &(c.optimiser.*Member);
}

constexpr std::array bits{"canonical"sv, "fast"sv};
constexpr std::array pairs{"ring"sv, "random"sv};
constexpr std::array wires{"auto"sv, "memory"sv, "tcp"sv};
constexpr std::array kinds{"sgd"sv, "adamw"sv};
constexpr std::array schedules{"constant"sv, "linear"sv, "cosine"sv};

const std::vector<std::string_view>& sync_names() {
  static const auto all = [] {
    std::vector<std::string_view> names;
    for (std::uint8_t i = 0; i < parallel::syncs; ++i)
      names.emplace_back(to_string(static_cast<parallel::sync>(i)));
    return names;
  }();
  return all;
}

// A collective's, and the name that people have for the plainest of its trees.
const std::vector<std::string_view>& algorithm_names() {
  static const auto all = [] {
    std::vector<std::string_view> names{"auto", "tree"};
    for (std::uint8_t i = 0; i < collective::algorithms; ++i)
      names.emplace_back(to_string(static_cast<collective::algorithm>(i)));
    return names;
  }();
  return all;
}

std::string misnomer_of_staleness(std::string_view word) {
  constexpr std::size_t most_digits = 9;
  if (word == "any" || (is_numeral(word) && word.size() <= most_digits))
    return {};
  constexpr std::array any{"any"sv};
  return fmt::format("is not a whole number from 0 to 999999999, nor \"any\"{}",
      did_you_mean(word, any));
}

constexpr double most_steps = 1e9;
constexpr double largest = 3.4028235e38; // of a float

constexpr range whole(double low, double high) {
  return {.low = low, .high = high};
}
constexpr range above_zero{.high = largest, .above_low = true};
constexpr range from_zero{.high = largest};
constexpr range below_one{.high = 1, .below_high = true};

bool by_server(const configuration& c) {
  return c.parallel.sync == "parameter_server";
}
bool on_parameters(const configuration& c) {
  return c.parallel.sync == "local_sgd" || c.parallel.sync == "diloco";
}
bool by_diloco(const configuration& c) {
  return c.parallel.sync == "diloco";
}
bool by_gossip(const configuration& c) {
  return c.parallel.sync == "gossip";
}
bool by_collectives(const configuration& c) {
  return !by_server(c) && !by_gossip(c);
}
bool by_sgd(const configuration& c) {
  return c.optimiser.kind == "sgd";
}
bool by_adamw(const configuration& c) {
  return c.optimiser.kind == "adamw";
}
bool scheduled(const configuration& c) {
  return c.optimiser.schedule != "constant";
}
bool at_a_constant_rate(const configuration& c) {
  return !scheduled(c);
}

constexpr bool any_bits = false;
constexpr bool alters = true;

key of_mesh(std::string_view section, std::string_view name,
    cell (*in)(configuration&), std::string meaning, bool alters_bits,
    range numbers = {}, words choices = {}) {
  key result{
      section, name, in, std::move(meaning), alters_bits, numbers, choices};
  result.of = topology_kind::mesh;
  return result;
}

key only(condition used, std::string used_with, key what) {
  what.used = used;
  what.used_with = std::move(used_with);
  return what;
}
key sparing(condition spares, key what) {
  what.spares_bits = spares;
  return what;
}
key numeral(std::string (*misnomer)(std::string_view), key what) {
  what.numeral = true;
  what.misnomer = misnomer;
  return what;
}

constexpr auto of_servers = "parallel.sync = \"parameter_server\"";
constexpr auto of_averages = "parallel.sync = \"local_sgd\" or \"diloco\"";
constexpr auto of_diloco = "parallel.sync = \"diloco\"";
constexpr auto of_gossip = "parallel.sync = \"gossip\"";
constexpr auto of_collectives =
    "parallel.sync = \"all_reduce\", \"local_sgd\" or \"diloco\"";
constexpr auto of_sgd = "optimiser.kind = \"sgd\"";
constexpr auto of_adamw = "optimiser.kind = \"adamw\"";
constexpr auto of_schedules = "optimiser.schedule = \"linear\" or \"cosine\"";

template <auto Member>
key parallel_key(std::string_view name, std::string meaning, bool alters_bits,
    range numbers = {}, words choices = {}) {
  return of_mesh("parallel", name, in_parallel<Member>, std::move(meaning),
      alters_bits, numbers, choices);
}
template <auto Member>
key optimiser_key(std::string_view name, std::string meaning,
    range numbers = {}, words choices = {}) {
  return of_mesh("optimiser", name, in_optimiser<Member>, std::move(meaning),
      alters, numbers, choices);
}

// What makes a mesh of a run: a federation has it, too.
key workers_key() {
  auto result = parallel_key<&parallel_keys::workers>("workers",
      "ranks that minimise one sum of losses; 0: a federation", alters,
      whole(0, 1024));
  result.of = topology_kind::any;
  return sparing(bits_without_ranks, std::move(result));
}

std::vector<key> parallel_section() {
  using p = parallel_keys;
  return {
      workers_key(),
      parallel_key<&p::min_workers>("min_workers",
          "ranks that it goes on with, if others are gone", any_bits,
          whole(1, 1024)),
      parallel_key<&p::sync>(
          "sync", either(sync_names()), alters, {}, sync_names()),
      parallel_key<&p::batch>(
          "batch", "samples of a step, over all ranks", alters, whole(1, 4e9)),
      parallel_key<&p::micro_batches>("micro_batches",
          "that a batch is cut into, alike; ranks share them", alters,
          whole(1, 1 << 20)),
      only(by_collectives, of_collectives,
          sparing(bits_without_ranks,
              parallel_key<&p::algorithm>("algorithm",
                  "of collectives: auto, ring, tree, halving_doubling, "
                  "direct...",
                  alters, {}, algorithm_names()))),
      parallel_key<&p::bits>("bits",
          "canonical: the same for any number of ranks; or fast", alters, {},
          bits),
      sparing(bits_without_ranks,
          parallel_key<&p::zero>("zero",
              "all_reduce: 1 shards optimiser state, 2 gradients, 3 all",
              alters, whole(0, 3))),
      only(on_parameters, of_averages,
          parallel_key<&p::every>("every",
              "local_sgd, diloco: steps between agreements", alters,
              whole(1, most_steps))),
      only(by_gossip, of_gossip,
          parallel_key<&p::pairs>(
              "pairs", "gossip: ring or random", alters, {}, pairs)),
      only(by_diloco, of_diloco,
          parallel_key<&p::outer_lr>("outer_lr",
              "diloco: times what replicas moved by", alters, above_zero)),
      only(by_diloco, of_diloco,
          parallel_key<&p::outer_momentum>(
              "outer_momentum", "diloco: Nesterov's", alters, below_one)),
      only(by_server, of_servers,
          parallel_key<&p::shards>("shards",
              "parameter_server: ranges of the model, an actor each", any_bits,
              whole(1, 64))),
      only(by_server, of_servers,
          numeral(misnomer_of_staleness,
              parallel_key<&p::staleness>("staleness",
                  "parameter_server: steps ahead of the slowest, or \"any\"",
                  alters))),
      parallel_key<&p::wire>("wire", "between processes: auto, memory or tcp",
          any_bits, {}, wires),
  };
}

std::vector<key> optimiser_section() {
  using o = optimiser_keys;
  return {
      optimiser_key<&o::kind>("kind", "sgd or adamw", {}, kinds),
      optimiser_key<&o::lr>("lr", "learning rate; adamw: 0.001", above_zero),
      only(by_sgd, of_sgd,
          optimiser_key<&o::momentum>("momentum", "of SGD", below_one)),
      only(by_sgd, of_sgd,
          optimiser_key<&o::nesterov>("nesterov", "true looks a step ahead")),
      only(by_adamw, of_adamw,
          optimiser_key<&o::betas>(
              "betas", "adamw: how much of its moments stays", below_one)),
      only(by_adamw, of_adamw,
          optimiser_key<&o::epsilon>("epsilon",
              "adamw: beside the root of the second moment", above_zero)),
      optimiser_key<&o::weight_decay>("weight_decay",
          "sgd: added to the gradient; adamw: beside it", from_zero),
      optimiser_key<&o::clip>(
          "clip", "largest norm of a step's gradient; 0: any", from_zero),
      optimiser_key<&o::schedule>("schedule",
          "of the rate: constant, or linear or cosine down to run.steps", {},
          schedules),
      optimiser_key<&o::warmup>("warmup", "steps in which the rate rises to lr",
          whole(0, most_steps)),
      only(scheduled, of_schedules,
          optimiser_key<&o::floor>(
              "floor", "part of lr that is left at the end", whole(0, 1))),
  };
}

struct pair_of_keys {
  std::string_view federation;
  std::string_view mesh;
};

// What one kind has in the place of the other's. The first that fits counts.
constexpr std::array counterparts{
    pair_of_keys{"run.rounds", "run.steps"},
    pair_of_keys{"federation.clients", "parallel.workers"},
    pair_of_keys{"federation.min_residents", "parallel.min_workers"},
    pair_of_keys{"federation.shards", "parallel.shards"},
    pair_of_keys{"federation.rule", "parallel.sync"},
    pair_of_keys{"federation.server_lr", "parallel.outer_lr"},
    pair_of_keys{"federation.server_momentum", "parallel.outer_momentum"},
    pair_of_keys{"federation.staleness", "parallel.staleness"},
    pair_of_keys{"client.epochs", "run.steps"},
    pair_of_keys{"client.steps", "parallel.every"},
    pair_of_keys{"client.batch", "parallel.batch"},
    pair_of_keys{"client.method", "optimiser.kind"},
    pair_of_keys{"client.lr", "optimiser.lr"},
    pair_of_keys{"client.lr_decay", "optimiser.schedule"},
    pair_of_keys{"client.momentum", "optimiser.momentum"},
    pair_of_keys{"client.weight_decay", "optimiser.weight_decay"},
    pair_of_keys{"client.clip", "optimiser.clip"},
};

std::string counterpart(const key& k) {
  const auto of_mesh = k.of == topology_kind::mesh;
  for (const auto& each : counterparts)
    if ((of_mesh ? each.mesh : each.federation) == k.path())
      return fmt::format(" has {}", of_mesh ? each.federation : each.mesh);
  return " has no use for it";
}

} // namespace

std::vector<key> mesh_keys() {
  auto result = parallel_section();
  std::ranges::move(optimiser_section(), std::back_inserter(result));
  return result;
}

key steps_key() {
  auto result = of_mesh(
      "run", "steps", [](configuration& c) -> cell { return &c.run.steps; },
      "how long a mesh trains", alters, whole(1, most_steps));
  return sparing(at_a_constant_rate, std::move(result));
}

bool is_of_federations(const key& k) {
  constexpr std::array sections{
      "federation"sv, "client"sv, "clock"sv, "simulation"sv};
  constexpr std::array shared{"set"sv, "path"sv};
  if (k.section == "data")
    return std::ranges::find(shared, k.name) == shared.end();
  if (k.section == "run")
    return k.name == "rounds" || k.name == "order";
  return std::ranges::find(sections, k.section) != sections.end();
}

std::string of_the_other_kind(const key& k, const configuration& what) {
  if (!what.is_mesh())
    return fmt::format(
        "is a mesh's; a federation (parallel.workers = 0){}", counterpart(k));
  return fmt::format("is a federation's; a mesh (parallel.workers = {}){}",
      what.parallel.workers, counterpart(k));
}

void take_mesh_defaults(configuration& to, const origins& given) {
  if (!to.is_mesh())
    return;
  if (!given.contains("run.evaluate_every"))
    to.run.evaluate_every = mesh_evaluates_every;
  if (!given.contains("run.checkpoint_every"))
    to.run.checkpoint_every = mesh_checkpoints_every;
  if (!given.contains("optimiser.lr"))
    to.optimiser.lr = usual_rate(to.optimiser.kind);
}

} // namespace troupe
