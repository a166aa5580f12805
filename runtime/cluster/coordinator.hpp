#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <caf/actor_system.hpp>

#include "protocols/cluster/rank_ledger.hpp"
#include "protocols/cluster/registration.hpp"
#include "protocols/facts.hpp"
#include "protocols/resident_client.hpp"
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
  bool residents = false;               ///< nodes may bring clients
  client_id placed = 0;                 ///< clients that the run itself has
  std::vector<resident_client> known{}; ///< residents that came before
  residence home{};                     ///< what each of them is told
  double max_norm = 0.0;                ///< of an update; 0: any
  rank_limits ranks{};                  ///< of a mesh
};

/// A run's place in a cluster: its port, the registrar, and a door for each
/// node that comes.
class coordinator {
public:
  /// Binds. No tensor of a node's has more than so many values, and no delta a
  /// larger norm (0: any); what goes to and fro is counted, unless that is
  /// null. Throws `std::runtime_error` that says why it cannot, or may not.
  coordinator(const listening& how, std::uint64_t most_values, double max_norm,
      std::shared_ptr<monitoring::wire_figures> figures = nullptr);
  ~coordinator();

  /// Whoever decides in a run.
  using head = std::variant<aggregator, parallel::conductor>;
  /// Who knows the cluster from now on, and is to hear the run's facts.
  registrar prepare(caf::actor_system& system, head whom, cluster_run what);
  /// Nodes may come from now on: a federation's lend their slots, those of a
  /// mesh bring ranks.
  void open();
  /// The run has ended. Waits until every node was told, a second at most.
  void dismiss(const farewell& how);

  /// Before the actor system ends: whoever hears a line is told that it is
  /// over.
  void close();

  std::string text() const { return port_->text(); }

private:
  void meet(const aggregator& whom, const candidate& who,
      const std::shared_ptr<line>& at) const;
  void meet(const parallel::conductor& whom, const candidate& who,
      const std::shared_ptr<line>& at) const;
  welcome greeting() const;

  listening how_;
  std::uint64_t most_values_;
  std::unique_ptr<tls_source> tls_;
  std::unique_ptr<port> port_;
  caf::actor_system* system_ = nullptr;
  head whom_;
  cluster_run run_;
  registrar registrar_;
};

} // namespace troupe::cluster
