#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "gpu/buffer.hpp"
#include "protocols/blocks.hpp"
#include "protocols/facts.hpp"
#include "protocols/federated/rule.hpp"
#include "protocols/federated/succession.hpp"
#include "protocols/federated/virtual_order.hpp"
#include "protocols/ids.hpp"
#include "protocols/membership/quorum.hpp"
#include "protocols/placement/allotment.hpp"
#include "protocols/resident_client.hpp"
#include "protocols/state_table.hpp"

namespace troupe {

/// What an aggregator is told before it begins.
struct aggregator_options {
  federated::rule rule; ///< fresh, or as it was stored
  /// Of rules that take over; empty: none can.
  federated::make_successor make_successor;
  std::vector<federated::planned_switch> switches;
  std::string configuration; ///< in force, if the run began with another one
  /// None: the rule hears of results as they come.
  std::optional<federated::virtual_order> virtual_order;
  gpu::shared_buffer parameters; ///< of the rule's version
  named_blocks blocks;           ///< beside them, that the server keeps
  bool lends_variate = false;    ///< to every lease, of these
  /// Earlier versions' parameters, that open leases start from.
  std::map<version_id, gpu::shared_buffer> bases;
  state_table states;                 ///< likewise, that clients keep
  std::vector<std::uint64_t> samples; ///< by client, from the first one on
  client_id first_client = 0;         ///< those before are others'
  facts::run_header header;           ///< its incarnation and version count
  std::vector<fact> preface; ///< told before the header, e.g. what is void
  std::uint64_t next_fact = 1;
  version_id evaluate_every = 10; ///< 0: the last version alone
  bool score_first = false; ///< the version to start from was due and is not
  double target_accuracy = 0.0; ///< 0: none
  version_id checkpoint_every = 1;
  std::size_t depth = 2;  ///< leases in flight a slot, at most
  std::size_t adding = 1; ///< deltas that may wait at a shard beside them
  bool trains = true;     ///< at the slots that it begins with; else they score
  placement::allotment kinds; ///< of device, by client
  /// A part of an evaluation has ten times as long; what a lease has, the rule
  /// says. 0: no bound.
  duration lease_time{};
  duration stop_grace = std::chrono::seconds{2};
  std::size_t quorum = 0;      ///< clients that have to be there to begin
  std::size_t nodes = 0;       ///< of the cluster, likewise
  std::size_t nodes_least = 0; ///< that have to be there for new leases, ever
  std::size_t residents_wanted = 0;       ///< to begin
  std::vector<resident_client> residents; ///< that have ever taken part
  /// How long it stands still for want of clients, nodes or slots; 0: not at
  /// all.
  duration patience{};
  membership::resort then = membership::resort::fail; ///< for want of nodes
};

} // namespace troupe
