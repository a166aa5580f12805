#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "actors/federated/aggregator_options.hpp"
#include "gpu/aggregation/server_step.hpp"
#include "protocols/federated/region.hpp"
#include "protocols/federated/region_account.hpp"
#include "protocols/run.hpp"
#include "protocols/storage.hpp"
#include "protocols/timer.hpp"
#include "protocols/training.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

struct region_options {
  client_id id = 0;         ///< to whoever leases it
  std::uint64_t rounds = 1; ///< of its own, under a lease
  gpu::server_options server;
  std::size_t shards = 1;
  std::uint64_t credit = 1; ///< of these
  crew who;                 ///< its workers and where they train
  troupe::clerk clerk;
  /// Where it trains in this process; anywhere else `elsewhere` sends its task
  /// to, a client like any other. Neither: it trains here.
  compute here{};
  worker elsewhere{};
  /// Counts slots that were lost under a lease and not back at its end.
  std::shared_ptr<std::atomic<std::uint64_t>> slots_lost{};
  /// Of its aggregator, but for what a lease brings.
  aggregator_options like;
};

/// A client that trains by a run of its own: of its own rule, over its own
/// clients, which may be regions again. Under a lease it begins with the
/// version that it was given, makes a few of its own, and answers with how far
/// they lead, as any client does; so whoever leases it knows nothing of it.
///
///          seated_offer        what it kept          run_report
///     idle ───────────► opening ─────────► running ───────────► closing
///      ▲                                      │ failed, stopped     │
///      └───────────── update, failure ◄───────┴─────────────────────┘
///
/// What it keeps between two leases, the states of its rule, its server and its
/// clients, travels with them as a client's state does: it counts where the
/// version that took its update does. A lease that comes to nothing leaves no
/// trace, and the next one goes on from before it.
///
/// Its aggregator and its shards are a lease's; it is their scribe, and keeps
/// what they would have stored.
class region_state {
public:
  static inline const char* name = "troupe.region";

  region_state(regional_aggregator::pointer self, region_options options);
  ~region_state();
  regional_aggregator::behavior_type make_behavior();

private:
  enum class stage : std::uint8_t { idle, opening, running, closing };

  void take(seated_offer& what);
  void stop(lease_id lease);
  void stand_in(const train_task& what);
  void begin_next();
  void start(region_memory what);
  aggregator_options plan(region_memory& what);
  void spawn(aggregator_options how);
  void call_time(const tick& what);
  void close(const run_report& what);
  void hand_in(const packed& what);
  void fail(caf::error why);
  void refuse(const seated_offer& what, caf::error why);
  void finish();
  void dismiss_all();

  regional_aggregator::pointer self_;
  region_options options_;
  stage stage_ = stage::idle;
  std::deque<seated_offer> waiting_; ///< while one that is to stop does
  std::uint64_t turn_ = 0;           ///< of the next offer
  std::uint64_t leases_ = 0;
  seated_offer at_; ///< the lease that it is at
  bool revoked_ = false;
  bool out_of_time_ = false;
  instant began_{};
  timer<tick> timer_;
  aggregator aggregator_;
  std::vector<shard> shards_;
  federated::region_account account_;
  std::optional<store> made_; ///< its last version, with all that belongs to it
  double cpu_seconds_ = 0.0;
};
using region_impl = regional_aggregator::stateful_impl<region_state>;

} // namespace troupe
