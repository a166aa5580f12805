#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "monitoring/exposer.hpp"
#include "monitoring/node_figures.hpp"
#include "monitoring/wire_figures.hpp"
#include "protocols/cluster/peer.hpp"
#include "runtime/cluster/line.hpp"

namespace troupe::cluster {

/// What a node shows of itself at its own /metrics: its process, its slots and
/// updates, and what goes over the wire. It sees the frames that pass between
/// its host and the coordinator; neither knows of it.
class node_watch : public std::enable_shared_from_this<node_watch> {
public:
  using link = monitoring::node_figures::link;

  /// Serves at HOST:PORT until it is destroyed; empty: nowhere, and then it
  /// counts for nobody. Throws what an exposer throws.
  node_watch(const std::string& metrics, double silence);

  const std::shared_ptr<monitoring::wire_figures>& wires() const {
    return wires_;
  }
  /// HOST:PORT, for the coordinator to tell; empty: nowhere.
  std::string address() const;
  std::string url() const; ///< empty: nowhere

  void is(link state) { figures_.is(state); }
  void dialled(bool answered) { figures_.dialled(answered); }
  void named(const std::string& name, const std::string& coordinator) {
    figures_.named(name, coordinator);
  }

  /// A session with so many slots: what its host is to speak with instead, and
  /// who is to hear its line.
  shared_peer begin(shared_peer coordinator, std::size_t slots);
  line::ears hears(line::ears whom);
  void end(bool lost);

private:
  class passing;

  void see(const seated& what);
  bool see_end(lease_id lease); ///< false: it was none
  void see(const update& what);
  void see(const failure& what);
  void show_slots();

  monitoring::node_figures figures_;
  std::shared_ptr<monitoring::wire_figures> wires_;
  std::optional<monitoring::exposer> exposer_; ///< the last to be made

  std::mutex guard_;                               ///< of what follows
  std::unordered_map<lease_id, std::uint32_t> at_; ///< lanes
  std::vector<std::size_t> held_;                  ///< leases, by lane
};

} // namespace troupe::cluster
