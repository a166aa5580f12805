#pragma once

#include <stop_token>

#include <caf/error.hpp>

#include "gpu/buffer.hpp"
#include "gpu/training/learner.hpp"
#include "protocols/fields.hpp"
#include "protocols/ids.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/local.hpp"
#include "protocols/tensor.hpp"

namespace troupe {

/// Aggregator to evaluator: score this version.
struct evaluate {
  version_id version = 0;
  tensor parameters;
};

/// Evaluator to compute: score this part of the test set.
struct evaluate_task {
  std::uint64_t part = 0; ///< a number that no other task ever has
  training::view data;
  tensor parameters;
  score_sink reply_to;
  std::stop_token stop;
  std::uint64_t first = 0; ///< sample of the test set that is in the part
  std::uint32_t lane = 0;  ///< of the slot that was asked
};

/// Compute to evaluator: this part's turn has come.
struct part_begun {
  std::uint64_t part = 0;
  bool alone = true; ///< its slot trains nobody meanwhile
};

/// Compute to evaluator.
struct evaluated_part {
  std::uint64_t part = 0;
  training::evaluation sums;
  double cpu_seconds = 0.0; ///< the thread's CPU time
  caf::error failed;
};

/// Aggregator to evaluator: do not wait for this slot any more.
struct slot_gone {
  slot_id slot = 0;
};

/// Aggregator to evaluator: a slot that was gone is back.
struct slot_back {
  slot_id slot = 0;
};

/// Evaluator to aggregator: a slot has begun with a part, or is through with
/// it. The time in between is not that of the client whose turn it is.
struct slot_scoring {
  slot_id slot = 0;
  bool busy = false;
  bool alone = true; ///< it trains nobody meanwhile
};

/// Evaluator to aggregator, in the order of requests. No slot is at a part of
/// this version any more. One that was interrupted failed with errc::stopped.
struct scored {
  version_id version = 0;
  training::evaluation sums;
  double seconds = 0.0;     ///< wall time from request to result
  double cpu_seconds = 0.0; ///< of all parts
  caf::error failed;
};

template <class Inspector>
bool inspect(Inspector& f, evaluate& x) {
  return f.object(x).fields(
      f.field("version", x.version), f.field("parameters", x.parameters));
}
template <class Inspector>
bool inspect(Inspector& f, evaluate_task&) {
  return refuse_to_serialise(f, "troupe::evaluate_task");
}
namespace training {
template <class Inspector>
bool inspect(Inspector& f, evaluation& x) {
  return f.object(x).fields(f.field("samples", x.samples),
      f.field("correct", x.correct), exactly(f, "loss_sum", x.loss_sum));
}
} // namespace training
template <class Inspector>
bool inspect(Inspector& f, evaluated_part& x) {
  return f.object(x).fields(f.field("part", x.part), f.field("sums", x.sums),
      exactly(f, "cpu_seconds", x.cpu_seconds),
      told(f, "failed", x.failed, errc::evaluation_failed));
}
template <class Inspector>
bool inspect(Inspector& f, slot_gone& x) {
  return f.object(x).fields(f.field("slot", x.slot));
}
template <class Inspector>
bool inspect(Inspector& f, slot_back& x) {
  return f.object(x).fields(f.field("slot", x.slot));
}
template <class Inspector>
bool inspect(Inspector& f, slot_scoring& x) {
  return f.object(x).fields(f.field("slot", x.slot), f.field("busy", x.busy),
      f.field("alone", x.alone));
}
template <class Inspector>
bool inspect(Inspector& f, part_begun& x) {
  return f.object(x).fields(f.field("part", x.part), f.field("alone", x.alone));
}
template <class Inspector>
bool inspect(Inspector& f, scored& x) {
  return f.object(x).fields(f.field("version", x.version),
      f.field("sums", x.sums), exactly(f, "seconds", x.seconds),
      exactly(f, "cpu_seconds", x.cpu_seconds),
      told(f, "failed", x.failed, errc::evaluation_failed));
}

} // namespace troupe
