#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gpu/aggregation/variate_step.hpp"
#include "gpu/training/recipe.hpp"
#include "protocols/federated/drop_reason.hpp"
#include "protocols/ids.hpp"

namespace troupe::federated {

/// Permission for one client to train once from one version.
struct grant {
  lease_id lease = 0;
  client_id client = 0;
  version_id base = 0;
  double share = 0.0;     ///< what its update will weigh at most
  std::uint32_t work = 0; ///< steps, or epochs, as the run has it; 0: its own
  duration allowed{};     ///< from the start of training to the update; 0: any
  instant send_by{};      ///< what it has by then is its update; 0: all
  std::uint64_t most_steps = 0; ///< likewise, behind so many; 0: any
};

/// What a rule is told of an update that came in.
struct arrival {
  lease_id lease = 0;
  client_id client = 0;
  version_id base = 0;
  std::uint64_t samples = 0; ///< processed in training
  std::uint64_t steps = 0;
  double loss = 0.0;        ///< mean over the samples
  double square_loss = 0.0; ///< mean of its square; 0: not known
  duration took{};          ///< training alone
  bool partial = false;     ///< it was asked for more
};

/// What becomes of an update.
struct verdict {
  drop_reason why = drop_reason::none;
  double weight = 0.0; ///< of the delta in the sum; on the weight grid
  double share = 0.0;  ///< in the denominator; weight before any discount
  std::uint64_t staleness = 0;
  /// Models are mixed, not deltas added: base - current is added to its delta.
  bool mix = false;
  double drift = 0.0; ///< of the delta in the server's variate; on that grid

  bool accepted() const noexcept { return why == drop_reason::none; }
};

/// Publish what was accepted since the last version as version `version`.
/// A rule saved now, before it sees another event, goes with the parameters of
/// that version.
struct publication {
  version_id version = 0;
  std::uint64_t round = 0;     ///< rounds begun, failed ones included
  std::uint64_t updates = 0;   ///< accepted into this version
  double scale = 1.0;          ///< of the mean, beside the server's own rate
  gpu::variate_step variate{}; ///< what becomes of the server's
};

/// A round that changed nothing. What it had accepted is void: whoever sums has
/// to start from nothing before the next update is added.
struct skipped_round {
  std::uint64_t round = 0;
  std::uint64_t accepted = 0;
  std::uint64_t needed = 0; ///< min_updates
};

/// A synchronous round began: these clients are leased for it.
struct started_round {
  std::uint64_t round = 0;
  std::uint64_t cohort = 0;
};

enum class ending : std::uint8_t {
  completed,  ///< all rounds or versions are done
  all_failed, ///< every client of a round failed
  starved,    ///< nobody is there to train; if somebody joins, it goes on
};
const char* to_string(ending how) noexcept;

/// What a rule wants done, in this order. The caller carries it out and clears
/// it; a rule only appends.
struct decisions {
  std::vector<lease_id> revoked; ///< given up: tell who holds them
  std::vector<lease_id> overdue; ///< of these, for a deadline; ascending
  std::vector<skipped_round> skipped;
  std::optional<publication> publish;
  std::optional<started_round> round_started;
  std::vector<grant> grants;
  std::optional<instant> wake; ///< call wake() at this time or later
  std::optional<ending> end;

  void clear() {
    revoked.clear();
    overdue.clear();
    skipped.clear();
    publish.reset();
    round_started.reset();
    grants.clear();
    wake.reset();
    end.reset();
  }
};

/// What every rule is told before they begin.
struct settings {
  std::uint64_t seed = 1;
  std::uint64_t rounds = 50; ///< or versions: what the rule counts
  bool weigh_samples = true; ///< by samples, else uniformly
  std::uint64_t min_updates = 1;
  duration lease_time{};   ///< allowed a lease; 0: any
  training::recipe work{}; ///< how the clients train
  /// What it saves holds its open leases, and it goes on with them, and draws
  /// on, as if it had never stopped.
  bool keeps_leases = false;

  template <class Inspector>
  friend bool inspect(Inspector& f, settings& x) {
    return f.object(x).fields(f.field("seed", x.seed),
        f.field("rounds", x.rounds), f.field("weigh_samples", x.weigh_samples),
        f.field("min_updates", x.min_updates),
        f.field("lease_time", x.lease_time));
  }
};

} // namespace troupe::federated
