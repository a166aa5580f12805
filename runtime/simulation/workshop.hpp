#pragma once

#include <cstddef>
#include <cstdint>

#include "gpu/aggregation/accumulator.hpp"
#include "gpu/training/learner.hpp"
#include "protocols/blocks.hpp"
#include "protocols/federated/decisions.hpp"
#include "protocols/tensor.hpp"

namespace troupe::simulation {

/// What a client is lent: a version, and the states that go with it. Null where
/// a workshop has none.
struct loan {
  tensor parameters{};
  tensor state{};   ///< the client's
  tensor variate{}; ///< the server's

  bool empty() const { return !parameters && !state && !variate; }
};

/// What came of one lease.
struct product {
  training::outcome outcome;
  tensor delta{};
  tensor state{}; ///< that it left its client
  float largest = 0.0f;
  bool too_large = false; ///< longer than federation.max_norm
};

/// Of a version that was made.
struct made_version {
  gpu::sum_total sum{};
  float step = 0.0f; ///< the largest change of a parameter
};

/// The arithmetic of a simulation: it trains, sums up, publishes and scores,
/// all in the thread that asks, and decides nothing.
class workshop {
public:
  virtual ~workshop() = default;

  /// Values of the model: what goes down with a lease, and up with an update.
  virtual std::size_t parameters() const = 0;
  /// Of the current version, for a client to start from.
  virtual loan lend() = 0;
  /// Throws what the learner throws.
  virtual product train(const federated::grant& what, const loan& from) = 0;
  /// Adds an update to the open version; the checksum of what it added.
  virtual std::uint64_t add(
      const product& what, const loan& from, const federated::verdict& how) = 0;
  /// What was added since the last version is forgotten.
  virtual void discard() = 0;
  /// Makes the next version the current one.
  virtual made_version publish(const federated::publication& plan) = 0;
  /// Of the current version.
  virtual training::evaluation score() = 0;
  /// What a stored version holds of the model; null where there is none.
  virtual tensor current() const = 0;
  virtual named_blocks blocks() const = 0;
  /// Goes on from a version that was stored.
  virtual void restore(tensor parameters, named_blocks blocks) = 0;
};

} // namespace troupe::simulation
