#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <caf/actor_system.hpp>

#include "protocols/cluster/registration.hpp"
#include "protocols/facts.hpp"
#include "runtime/cluster/listening.hpp"
#include "runtime/cluster/port.hpp"

namespace troupe::cluster {

class tls_source;

/// What a run is, for those who join it.
struct cluster_run {
  std::string configuration; ///< effective, as TOML
  facts::provenance from;
  std::string fingerprint;
  std::uint64_t values = 0; ///< of its model
  std::uint64_t incarnation = 0;
  std::uint64_t nodes = 0; ///< that it waits for
};

/// A run's place in a cluster: its port, the registrar, and a door for each
/// node that comes.
class coordinator {
public:
  /// Binds. Throws `std::runtime_error` that says why it cannot, or may not.
  coordinator(const listening& how, std::uint64_t values);
  ~coordinator();

  /// Nodes may come from now on, and lend their slots to `whom`.
  void open(
      caf::actor_system& system, const aggregator& whom, cluster_run what);
  /// The run has ended. Waits until every node was told, a second at most.
  void dismiss(const farewell& how);

  /// Before the actor system ends: whoever hears a line is told that it is
  /// over.
  void close();

  std::string text() const { return port_->text(); }

private:
  listening how_;
  std::unique_ptr<tls_source> tls_;
  std::unique_ptr<port> port_;
  caf::actor_system* system_ = nullptr;
  registrar registrar_;
};

} // namespace troupe::cluster
