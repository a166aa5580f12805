#pragma once

#include <memory>

#include <caf/fwd.hpp>

namespace prometheus {
class Collectable;
} // namespace prometheus

namespace troupe::monitoring {

/// What CAF measures about its actors, for an exposer: `caf.actor` /
/// `mailbox-size` of actors named "troupe.shard" becomes
/// `caf_actor_mailbox_size{name="troupe.shard"}`, and so on for every metric of
/// CAF's registry, with units and `_total` as Prometheus spells them.
///
/// CAF measures the whole system by itself; mailbox depth by kind of actor only
/// for the names that the system's configuration selects:
///
///     caf.metrics-filters.actors.includes = ["troupe.*"]
///     caf.metrics-filters.actors.excludes = ["troupe.worker"]
///
/// `system` must outlive the last scrape: close the exposer first. Any thread.
std::shared_ptr<prometheus::Collectable> actor_telemetry(
    const caf::actor_system& system);

} // namespace troupe::monitoring
