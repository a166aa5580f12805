#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/error.hpp>

#include "gpu/buffer.hpp"
#include "gpu/training/learner.hpp"
#include "protocols/federated/edge.hpp"
#include "protocols/ids.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/local.hpp"
#include "protocols/tensor.hpp"

namespace troupe {

/// Every actor of a run, but the aggregator itself.
struct crew {
  std::vector<worker> workers;     ///< by client id
  std::vector<compute_slot> slots; ///< by slot id
  std::vector<shard> shards;       ///< by shard id, of one model
  troupe::evaluator evaluator;     ///< may be empty: then nothing is scored
  troupe::scribe scribe;
  std::vector<observer> observers; ///< beside the scribe
  /// Where each worker trains alone, in their order; empty: at any slot.
  std::vector<compute_slot> homes{};
  /// By edge and shard: what is added there instead, and handed in by
  /// the shards themselves before they publish.
  std::vector<std::vector<adder>> edges{};
  std::vector<edge_id> edge_of{}; ///< by worker; empty: there are no edges
};

/// To the aggregator: start, or go on. Answered when the run has ended.
struct begin {
  std::shared_ptr<const crew> who;
};

/// How a run ended.
enum class run_outcome : std::uint8_t {
  completed,      ///< all rounds or versions done
  target_reached, ///< the accuracy asked for
  interrupted,    ///< stopped from outside; resumable
  failed,         ///< see `why`; resumable where a version was stored
};
const char* to_string(run_outcome how) noexcept;

/// What the aggregator knows at the end.
struct run_report {
  run_outcome outcome = run_outcome::completed;
  caf::error why;
  version_id version = 0;
  tensor parameters;             ///< of that version
  std::uint64_t updates = 0;     ///< accepted, in published versions; of a
                                 ///< mesh: samples
  std::uint64_t slots_lost = 0;  ///< their threads may never return
  bool scored = false;           ///< `final` holds
  training::evaluation final;    ///< of that version
  double training_seconds = 0.0; ///< first lease to last publication, wall
  double compute_seconds = 0.0;  ///< thread CPU time in train and evaluate
  std::uint64_t steps = 0;       ///< of accepted updates, in this process
  double step_seconds = 0.0;     ///< that these took, in a mesh
  double best_accuracy = 0.0;    ///< of any version scored in this process
  version_id best_version = 0;
  bool promises_bits = true; ///< one numeric fingerprint computed all of it
  std::string rule{};        ///< that decided last, by its name
};

/// To the aggregator: stop soon; what is published stays resumable. From it to
/// the evaluator: give up what is under way, and all that is asked for later.
struct interrupt {
  template <class Inspector>
  friend bool inspect(Inspector& f, interrupt& x) {
    return f.object(x).fields();
  }
};

/// From the aggregator to itself: a deadline or a flush is due.
struct tick {
  std::uint64_t turn = 0;

  template <class Inspector>
  friend bool inspect(Inspector& f, tick& x) {
    return f.object(x).fields(f.field("turn", x.turn));
  }
};

template <class Inspector>
bool inspect(Inspector& f, begin&) {
  return refuse_to_serialise(f, "troupe::begin");
}
template <class Inspector>
bool inspect(Inspector& f, run_report&) {
  return refuse_to_serialise(f, "troupe::run_report");
}

} // namespace troupe
