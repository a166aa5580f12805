#pragma once

#include "runtime/topology/client_methods.hpp"

#include <cstdint>
#include <string>
#include <variant>

namespace troupe {

// How the ranks of a mesh descend and agree: the keys of [optimiser] and
// [parallel], by choice.

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
struct adamw {
  float lr = 1e-3f;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};
/// SGD that looks a step ahead along its momentum.
struct nesterov {
  float lr = 0.05f;
  float momentum = 0.9f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};
/// The key optimiser.kind. `sgd` is that of clients; its `lr_decay` is theirs
/// alone.
using optimiser_choice = std::variant<sgd, nesterov, adamw>;

/// How the rate moves with the steps: it rises for `warmup` of them, and falls
/// to `floor` times itself until the last one.
struct constant {
  std::uint64_t warmup = 0;
};
struct linear {
  std::uint64_t warmup = 0;
  double floor = 0.0;
};
struct cosine {
  std::uint64_t warmup = 0;
  double floor = 0.0;
};
/// The key optimiser.schedule.
using rate_choice = std::variant<constant, linear, cosine>;

// What each of them is, `parallel::sync` says. `batch` is of a whole step, over
// all ranks, and so are the micro-batches that it is cut into.

struct all_reduce {
  std::uint64_t batch = 64;
  std::uint64_t micro_batches = 8;
  std::string algorithm = "auto";
  std::string bits = "canonical";
};
/// all_reduce, where ranks have parts of the optimiser's state (stage 1), of
/// the gradient too (2), of the parameters too (3).
struct zero {
  std::uint64_t stage = 1;
  std::uint64_t batch = 64;
  std::uint64_t micro_batches = 8;
  std::string algorithm = "auto";
  std::string bits = "canonical";
};
struct local_sgd {
  std::uint64_t every = 500; ///< steps between agreements
  std::uint64_t batch = 64;
  std::uint64_t micro_batches = 8;
};
struct diloco {
  std::uint64_t every = 500;
  double outer_lr = 0.7;
  double outer_momentum = 0.9;
  std::uint64_t batch = 64;
  std::uint64_t micro_batches = 8;
};
struct gossip {
  std::string pairs = "ring"; ///< or "random"
  std::uint64_t batch = 64;
  std::uint64_t micro_batches = 8;
};
/// The key parallel.sync; a parameter server is chosen by a call of its own.
using sync_choice = std::variant<all_reduce, zero, local_sgd, diloco, gossip>;

/// Actors that have a range of the parameters each.
struct shards {
  std::uint64_t count = 1;
};
/// How far ranks of a parameter server may be ahead of the slowest: not at all,
/// some steps, any number.
struct bsp {};
struct ssp {
  std::uint64_t staleness = 1;
};
struct asp {};
/// The key parallel.staleness.
using staleness_choice = std::variant<bsp, ssp, asp>;

} // namespace troupe
