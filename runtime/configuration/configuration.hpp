#pragma once

#include "gpu/training/recipe.hpp"
#include "runtime/configuration/rule_option.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// How many clients a device trains at once: one number for every device, or
/// one for some of them by name (`cpu`, `cuda:0`; `cuda` is every GPU). Without
/// a number: as many as suit it.
struct slot_counts {
  std::optional<std::uint64_t> each;          ///< 0: trains nothing, scores
  std::map<std::string, std::uint64_t> named; ///< if any, there is no `each`

  slot_counts() = default;
  slot_counts(std::uint64_t all) : each(all) {}
  slot_counts(
      std::initializer_list<std::pair<const std::string, std::uint64_t>> some)
      : named(some) {}

  /// Of the device called `name`; none: as many as suit it.
  std::optional<std::uint64_t> of(std::string_view name) const;
  bool none() const noexcept { return each == std::uint64_t{0}; }
  friend bool operator==(const slot_counts&, const slot_counts&) = default;
};

/// What a run is asked to do: the keys of `troupe run CONFIG.toml`, section by
/// section, with their defaults. What each key means, may be and belongs to
/// stands in one table, `runtime/configuration/keys.cpp`. A plain value; one
/// that came out of `read_configuration` without problems has every key in its
/// range.
struct configuration {
  struct run_keys {
    std::string name = "troupe";
    std::uint64_t seed = 1;
    std::uint64_t rounds = 50;          ///< or versions: the rule's unit
    std::uint64_t steps = 1000;         ///< of a mesh, in place of rounds
    std::uint64_t evaluate_every = 10;  ///< versions, steps; 0: only the last
    double target_accuracy = 0.0;       ///< stop once reached; 0: never
    std::uint64_t checkpoint_every = 1; ///< versions, or a mesh's steps
    std::uint64_t keep_checkpoints = 3; ///< beside the best one
    std::string order = "arrival";      ///< of updates; or "virtual"
    friend bool operator==(const run_keys&, const run_keys&) = default;
  } run;

  struct data_keys {
    std::string set = "fashion-mnist";
    std::string path; ///< directory; empty: where Debian puts the set
    std::string partition = "iid";
    std::uint64_t shards_per_client = 2;
    std::uint64_t labels_per_client = 2;
    double alpha = 0.5;
    double beta = 0.5;
    friend bool operator==(const data_keys&, const data_keys&) = default;
  } data;

  struct model_keys {
    std::string kind = "mlp";
    std::vector<std::size_t> layers{784, 200, 200, 10};
    std::string init; ///< a safetensors file; empty: drawn from the seed
    friend bool operator==(const model_keys&, const model_keys&) = default;
  } model;

  struct federation_keys {
    std::string rule = "fedavg";
    std::uint64_t clients = 100;       ///< placed; residents come on top
    bool residents = false;            ///< nodes may bring clients
    std::uint64_t min_residents = 0;   ///< to begin with
    std::string weighting = "samples"; ///< a rule may have another default
    std::string server = "average";    ///< what it does with their mean
    double server_lr = 1.0;            ///< a server may have another default
    double server_momentum = 0.9;
    bool server_nesterov = false;
    double server_beta2 = 0.99;
    double server_epsilon = 1e-3;
    std::uint64_t min_updates = 1;
    double max_norm = 0.0;             ///< of an update; 0: any
    double lease_seconds = 3600.0;     ///< 0: as long as it takes
    std::uint64_t shards = 1;          ///< ranges of the model, an actor each
    std::vector<std::string> switches; ///< "version 12: rule=fedbuff buffer=5"
    std::vector<std::string> regions;  ///< below the root: "4: rule=fedavg"
    rule_options options = default_rule_options(); ///< the rules' own keys
    friend bool operator==(
        const federation_keys&, const federation_keys&) = default;
  } federation;

  training::recipe client;

  /// Ranks that minimise one sum of losses together: a mesh, in the place of a
  /// federation.
  struct parallel_keys {
    std::uint64_t workers = 0;       ///< 0: the run is a federation
    std::uint64_t min_workers = 1;   ///< that it goes on with
    std::string sync = "all_reduce"; ///< `parallel::sync`
    std::uint64_t batch = 64;        ///< of a step, over all ranks
    std::uint64_t micro_batches = 8; ///< that it is cut into
    std::string algorithm = "auto";  ///< of the collectives
    std::string bits = "canonical";  ///< or "fast"
    std::uint64_t zero = 0;          ///< 1, 2, 3: what is sharded
    std::uint64_t every = 500;       ///< local_sgd, diloco
    std::string pairs = "ring";      ///< gossip; or "random"
    double outer_lr = 0.7;           ///< diloco
    double outer_momentum = 0.9;     ///< diloco
    std::uint64_t shards = 1;        ///< parameter_server
    std::string staleness = "0";     ///< parameter_server; or "any"
    std::string wire = "auto";       ///< between processes: memory, tcp
    friend bool operator==(
        const parallel_keys&, const parallel_keys&) = default;
  } parallel;

  /// How a mesh descends.
  struct optimiser_keys {
    std::string kind = "sgd"; ///< or "adamw"
    double lr = 0.05;         ///< another kind may have another default
    double momentum = 0.0;
    bool nesterov = false;
    std::vector<double> betas{0.9, 0.999};
    double epsilon = 1e-8;
    double weight_decay = 0.0;
    double clip = 0.0;
    std::string schedule = "constant"; ///< or "linear", "cosine"
    std::uint64_t warmup = 0;
    double floor = 0.0; ///< part of lr that is left at the end
    friend bool operator==(
        const optimiser_keys&, const optimiser_keys&) = default;
  } optimiser;

  /// What the virtual clock says of a lease: it takes as long as its samples do
  /// at its client's speed.
  struct clock_keys {
    double samples_per_second = 1000.0; ///< of the median client
    double spread = 0.5;   ///< of speeds: the deviation of their logarithm
    double jitter = 0.1;   ///< likewise, of one client's leases
    double slow = 0.0;     ///< part of the clients that are slower yet
    double slow_by = 10.0; ///< so many times
    friend bool operator==(const clock_keys&, const clock_keys&) = default;
  } clock;

  /// What `troupe simulate` adds to the virtual clock: ways, absences, faults.
  /// As it stands nothing, and it makes what a run in virtual order makes.
  struct simulation_keys {
    std::string training = "real";  ///< or "none", or "model"
    double rate = 1000.0;           ///< model: updates that take e of the loss
    double down = 0.0;              ///< bytes a second; 0: it takes no time
    double up = 0.0;                ///< likewise
    double bandwidth_spread = 0.5;  ///< deviation of its logarithm
    double available = 1.0;         ///< part of the time that a client is there
    double stay_seconds = 3600.0;   ///< mean, of one stay
    std::string trace;              ///< a file that says who is there when
    double failure = 0.0;           ///< chance of a lease
    double loss = 0.0;              ///< chance of a result: to get lost
    double notice_seconds = 10.0;   ///< until that is noticed
    double delay = 0.0;             ///< chance of a result: to be late
    double delay_seconds = 10.0;    ///< mean
    double duplicate = 0.0;         ///< chance of a result: to come twice
    double crash_seconds = 0.0;     ///< mean, between a coordinator's; 0: none
    double restart_seconds = 10.0;  ///< that it is away then
    double partition_seconds = 0.0; ///< mean, between partitions; 0: none
    double partition_part = 0.3;    ///< of the clients, that one cuts off
    double heal_seconds = 10.0;     ///< mean, until it is over
    std::string journal = "full";   ///< or "versions"
    friend bool operator==(
        const simulation_keys&, const simulation_keys&) = default;
  } simulation;

  struct compute_keys {
    std::string device = "auto"; ///< every GPU if there is one, else the CPU
    std::vector<std::string> devices; ///< several at once; empty: `device`
    slot_counts slots;
    double stop_grace = 2.0;          ///< seconds from stop token to lost slot
    std::string precision = "fp32";   ///< bf16: of products alone, on GPUs
    std::string instructions = "own"; ///< or a kernel set: gpu/kernel_sets.hpp
    friend bool operator==(const compute_keys&, const compute_keys&) = default;
  } compute;

  bool is_mesh() const noexcept { return parallel.workers > 0; }

  friend bool operator==(const configuration&, const configuration&) = default;
};

/// Where a key was given: "client.lr" -> "run.toml:12" or "--set". Keys that
/// kept their default are absent.
using origins = std::map<std::string, std::string, std::less<>>;

/// A configuration and everything that is wrong with it, one line a problem,
/// fit to be shown: place, key, value, what was meant.
struct reading {
  configuration value;
  origins where;
  std::vector<std::string> problems; ///< empty: `value` is sound
  std::vector<std::string> notes;    ///< what was left out

  explicit operator bool() const noexcept { return problems.empty(); }
};

/// Reads a TOML file and then `settings`, each "section.key=value". A file that
/// cannot be read is a problem like any other.
reading read_configuration(const std::filesystem::path& file,
    std::span<const std::string> settings = {});

/// The same from text; `name` is what problems call it.
reading parse_configuration(std::string_view text, std::string_view name,
    std::span<const std::string> settings = {});

/// Reads what `to_toml` wrote, a program's run included: its data, partition
/// and model may have names that no file could ask for.
reading read_effective_configuration(const std::filesystem::path& file);

/// The same from text; `name` is what problems call it.
reading parse_effective_configuration(
    std::string_view text, std::string_view name);

/// Changes `start`, a sound configuration, by `settings` alone.
reading change_configuration(
    const configuration& start, std::span<const std::string> settings);

/// What no single key shows: keys that contradict each other.
std::vector<std::string> contradictions(
    const configuration& what, const origins& where = {});

/// The effective configuration as TOML: every key, its meaning behind it; keys
/// of a rule or model that is not in use are commented out. Reads back equal.
std::string to_toml(const configuration& what);

/// The keys, their defaults and meaning, for `troupe run --help`.
std::string describe_keys();

/// Keys whose change from `before` to `now` would alter the published bits of a
/// run that has `done` rounds or versions behind it, each said in one line.
/// Empty: the run may be resumed.
std::vector<std::string> differences(const configuration& before,
    const configuration& now, std::uint64_t done = 0);

/// "run.toml:12: client.lr", or without the place for a key left at default:
/// how a problem with `key` begins.
std::string place(const origins& where, std::string_view key);

} // namespace troupe
