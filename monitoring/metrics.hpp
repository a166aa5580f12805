#pragma once

#include <memory>
#include <vector>

#include "protocols/facts.hpp"

namespace prometheus {
class Collectable;
} // namespace prometheus

namespace troupe::monitoring {

class targets;

/// Turns facts into Prometheus metrics, all named `troupe_...`:
///
///     run_info{name,rule,fingerprint,seed,incarnation}  1
///     run_active                        1 from run_started to run_ended
///     rounds_planned, model_parameters  gauges, as run_started has them
///     model_version, model_updates, stored_version             gauges
///     accuracy, best_accuracy, loss, evaluated_version         gauges
///     training_loss                     gauge, of the last version or steps
///     updates_total{outcome}            accepted, late, duplicate, unknown,
///                                       too_stale, failed
///     samples_total, steps_total        counters, over accepted updates, or
///                                       made by the ranks of a mesh
///     leases_total, requeued_total, revoked_total  counters
///     handed_in_total                   accepted, though a crash took them
///     back rounds_started_total, rounds_skipped_total, facts_total  counters
///     leases_outstanding, clients{state="idle|leased"}         gauges
///     compute_slots{state="busy|idle|lost"}                    gauges
///     staleness_versions, training_seconds, round_seconds,
///     evaluation_seconds, store_seconds                        histograms
///     nodes{state}                      joining, member, draining, left, lost
///     membership_epoch                                         gauge
///     nodes_joined_total, nodes_gone_total{how="lost|left"}    counters
///     nodes_refused_total{reason}       a membership::reason, stranger,
///                                       not_ready or other
///     detection_seconds, recovery_seconds                      histograms
///     resume_seconds                                           gauge
///     mesh_step, mesh_epoch             gauges
///     mesh_ranks, mesh_ranks_wanted     gauges
///     mesh_compositions_total, mesh_ranks_lost_total,
///     mesh_sent_bytes_total             counters
///     mesh_step_seconds_total           wall time, of the slowest rank
///     mesh_computing_seconds_total      of that, mean over ranks
///     mesh_recovery_seconds             histogram, loss to next step
///
/// Of a mesh versions are steps, and updates samples: `model_version` and
/// `model_updates` count those, and slots, leases and clients are none.
///
/// A gauge has no sample until it has a value: there is no accuracy before the
/// first evaluation. A run that is taken up shows the last and the best of its
/// history at once.
///
/// A lease is outstanding from `leased` until a fact ends it, or until its
/// client is leased again. Nobody reports when a slot starts or stops work:
/// `busy` is the smaller of leases outstanding and slots left, which is exact
/// while leases keep every slot fed; over time, the mean of busy slots is
/// `rate(troupe_training_seconds_sum[1m])`.
///
/// `add` belongs to one thread; scraping may happen on any other meanwhile. A
/// batch is summed up first and touches each metric once.
class metrics {
public:
  metrics();
  ~metrics();
  metrics(metrics&&) noexcept;
  metrics& operator=(metrics&&) noexcept;

  void add(const std::vector<fact>& batch);

  /// Before anything else, of a run that is taken up: the last of the versions
  /// that were scored before, with loss and accuracy. `run_started` has the
  /// best.
  void take_up(const facts::evaluated& last);

  /// Before anything else: how old the process was when its run began.
  void began_after(double seconds);

  /// Nodes that serve figures of their own, by the facts; it outlives this
  /// object.
  std::shared_ptr<const targets> nodes() const;

  /// What an exposer serves; it outlives this object.
  std::shared_ptr<prometheus::Collectable> collectable() const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace troupe::monitoring
