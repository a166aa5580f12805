#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include <caf/error.hpp>

#include "gpu/buffer.hpp"
#include "gpu/training/learner.hpp"
#include "protocols/ids.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/local.hpp"

namespace troupe {

/// Aggregator to worker: train once from `parameters`, on `on`.
struct offer {
  lease_id lease = 0;
  version_id base = 0;
  gpu::shared_buffer parameters; ///< of version `base`
  compute on;
  std::uint32_t lane = 0; ///< of an accelerator
  std::uint64_t turn = 0; ///< of this lease at the slot: 0, 1, 2...
  std::stop_token stop;
};

/// Worker to compute: the offer with the client's own part.
struct train_task {
  lease_id lease = 0;
  training::assignment work;
  gpu::shared_buffer parameters;
  aggregator reply_to;
  std::uint32_t lane = 0;
  /// The slot takes its tasks in this order, and no other for a turn than the
  /// first that came.
  std::uint64_t turn = 0;
  std::stop_token stop;
};

/// What came of one lease. `delta` is trained minus given, on the
/// host or on the device that trained.
struct trained {
  lease_id lease = 0;
  version_id base = 0;
  training::outcome outcome;
  double seconds = 0.0;     ///< wall time of the training alone
  double cpu_seconds = 0.0; ///< its thread's CPU time
  gpu::shared_buffer delta;
  float largest = 0.0f; ///< |delta|
};

/// To an accelerator, from its device's driver: all that was queued up to the
/// ticket is done. 0: look after the device, it should have answered.
struct device_reached {
  std::uint64_t ticket = 0;
};

/// Compute to aggregator: one client trained.
struct update {
  client_id client = 0;
  trained result;
};

/// Compute to aggregator: this client's training failed; the run goes on.
struct failure {
  client_id client = 0;
  lease_id lease = 0;
  caf::error why;
};

template <class Inspector>
bool inspect(Inspector& f, offer&) {
  return refuse_to_serialise(f, "troupe::offer");
}
template <class Inspector>
bool inspect(Inspector& f, train_task&) {
  return refuse_to_serialise(f, "troupe::train_task");
}
template <class Inspector>
bool inspect(Inspector& f, device_reached& x) {
  return f.object(x).fields(f.field("ticket", x.ticket));
}
template <class Inspector>
bool inspect(Inspector& f, update&) {
  return refuse_to_serialise(f, "troupe::update");
}
template <class Inspector>
bool inspect(Inspector& f, failure& x) {
  return f.object(x).fields(f.field("client", x.client),
      f.field("lease", x.lease), f.field("why", x.why));
}

} // namespace troupe
