#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include <caf/error.hpp>

#include "gpu/buffer.hpp"
#include "gpu/training/learner.hpp"
#include "protocols/fields.hpp"
#include "protocols/ids.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/local.hpp"
#include "protocols/rare_tensor.hpp"
#include "protocols/state_name.hpp"
#include "protocols/tensor.hpp"

namespace troupe {

/// Train once from `parameters`, for a lease: what a rule granted. A value that
/// can travel to wherever the client is.
struct offer {
  lease_id lease = 0;
  client_id client = 0;
  version_id base = 0;
  double share = 0.0;     ///< what its update will weigh at most
  std::uint32_t work = 0; ///< steps, or epochs, as the run has it; 0: its own
  tensor parameters;      ///< of version `base`
  rare_tensor state{};    ///< the client's; none where it keeps none. That of
                          ///< a resident is named alone: `state_elsewhere`
  rare_tensor variate{};  ///< the server's, of that version; none: it has none
  /// What it has when that is used up is its update: from now on, waiting
  /// included.
  training::budget within{};
};

/// Aggregator to worker: an offer, and where in this process it is to train.
struct seated_offer : offer {
  compute on;
  std::uint32_t lane = 0; ///< of an accelerator
  std::uint64_t turn = 0; ///< of this lease at the slot: 0, 1, 2...
  update_sink reply_to;   ///< whoever answers does so there
};

/// To a worker: this lease is not wanted any more; if it trains, it is to stop,
/// and its slot answers so.
struct revoke {
  lease_id lease = 0;
};

/// Aggregator to a resident: the state of its client that is in the last
/// durable version. Those of before are needed no more.
struct state_stored {
  state_name state = no_state;
};

/// Worker to compute: the offer with the client's own part, whose budget of
/// time begins with its training.
struct train_task {
  lease_id lease = 0;
  training::assignment work;
  tensor parameters;
  update_sink reply_to;
  std::uint32_t lane = 0;
  /// The slot takes its tasks in this order, and no other for a turn than the
  /// first that came.
  std::uint64_t turn = 0;
  std::stop_token stop;
  rare_tensor state{};   ///< the client's
  rare_tensor variate{}; ///< the server's
  /// What it has by then is its update, by `wall_seconds`; 0: all of it.
  double send_by = 0.0;
};

/// What came of one lease. `delta` is trained minus given, on the
/// host or on the device that trained; `state` is what it left its client.
struct trained {
  lease_id lease = 0;
  version_id base = 0;
  training::outcome outcome;
  double seconds = 0.0;     ///< wall time of the training alone
  double cpu_seconds = 0.0; ///< its thread's CPU time
  tensor delta;
  float largest = 0.0f; ///< |delta|
  /// It had been trained for the same base before, and was kept since.
  bool handed_in = false;
  /// The norm of the delta is above the run's bound, if it has one. It does not
  /// travel: whoever brings a delta measures.
  bool too_large = false;
  rare_tensor state{};
};

/// To an accelerator, from its device's driver: all that was queued up to the
/// ticket is done. 0: look after the device, it should have answered.
struct device_reached {
  std::uint64_t ticket = 0;
};

/// Compute to an update sink: one client trained.
struct update {
  client_id client = 0;
  trained result;
};

/// Compute to an update sink: this client's training failed, and why; the run
/// goes on.
struct failure {
  client_id client = 0;
  lease_id lease = 0;
  caf::error why;
};

template <class Inspector>
bool inspect(Inspector& f, offer& x) {
  return f.object(x).fields(f.field("lease", x.lease),
      f.field("client", x.client), f.field("base", x.base),
      exactly(f, "share", x.share), f.field("work", x.work),
      f.field("parameters", x.parameters), f.field("state", x.state),
      f.field("variate", x.variate), f.field("steps", x.within.steps),
      exactly(f, "seconds", x.within.seconds));
}
template <class Inspector>
bool inspect(Inspector& f, seated_offer&) {
  return refuse_to_serialise(f, "troupe::seated_offer");
}
template <class Inspector>
bool inspect(Inspector& f, revoke& x) {
  return f.object(x).fields(f.field("lease", x.lease));
}
template <class Inspector>
bool inspect(Inspector& f, state_stored& x) {
  return f.object(x).fields(f.field("state", x.state));
}
template <class Inspector>
bool inspect(Inspector& f, train_task&) {
  return refuse_to_serialise(f, "troupe::train_task");
}
template <class Inspector>
bool inspect(Inspector& f, device_reached& x) {
  return f.object(x).fields(f.field("ticket", x.ticket));
}
namespace training {
template <class Inspector>
bool inspect(Inspector& f, outcome& x) {
  return f.object(x).fields(f.field("samples", x.samples),
      f.field("steps", x.steps), exactly(f, "loss", x.loss),
      exactly(f, "square_loss", x.square_loss), f.field("partial", x.partial));
}
} // namespace training
template <class Inspector>
bool inspect(Inspector& f, trained& x) {
  return f.object(x).fields(f.field("lease", x.lease), f.field("base", x.base),
      f.field("outcome", x.outcome), exactly(f, "seconds", x.seconds),
      exactly(f, "cpu_seconds", x.cpu_seconds), f.field("delta", x.delta),
      exactly(f, "largest", x.largest), f.field("handed_in", x.handed_in),
      f.field("state", x.state));
}
template <class Inspector>
bool inspect(Inspector& f, update& x) {
  return f.object(x).fields(
      f.field("client", x.client), f.field("result", x.result));
}
template <class Inspector>
bool inspect(Inspector& f, failure& x) {
  return f.object(x).fields(f.field("client", x.client),
             f.field("lease", x.lease),
             told(f, "why", x.why, errc::learner_failed)) &&
         (!Inspector::is_loading || x.why);
}

} // namespace troupe
