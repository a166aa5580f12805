#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gpu/training/dataset.hpp"
#include "protocols/cluster/frames.hpp"
#include "protocols/cluster/kept_updates.hpp"
#include "runtime/cluster/node.hpp"
#include "runtime/configuration/device_choice.hpp"
#include "runtime/topology.hpp"

namespace troupe::cluster {

/// The coordinator has refused this node, or the node the run.
struct refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a run takes at a node: its topology, and where it is computed.
struct lending {
  std::string told; ///< its configuration, as the coordinator sent it
  residence home;   ///< of a resident
  topology what;
  device_choice on;
  configuration settled;
  std::vector<training::view> data; ///< a resident's own is the only one
  facts::provenance from;           ///< a resident's is its own affair
  kept_updates kept{};              ///< no durable version has them yet
};

/// What a node that is welcome lends: the run's topology over the run's data,
/// or over its own. Throws `refused`, or what says which data are missing or
/// fit nothing.
lending lend_to(const welcome& told, const join_options& how,
    const std::optional<topology>& mine);

} // namespace troupe::cluster
