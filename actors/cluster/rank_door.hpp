#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/cluster/doorstep.hpp"
#include "protocols/cluster/interfaces.hpp"
#include "protocols/cluster/peer.hpp"
#include "protocols/cluster/rank_ledger.hpp"
#include "protocols/cluster/registration.hpp"
#include "protocols/verbs.hpp"

namespace troupe::cluster {

struct rank_door_options {
  candidate who;
  shared_peer peer;
  troupe::registrar registrar;
  parallel::conductor conductor;
  welcome greeting; ///< without name and epoch
  rank_limits most;
};

/// The coordinator's end of one node's session in a mesh. Each of the node's
/// slots is a rank, which sits with the conductor as a lane of this actor: what
/// it is told goes to the node, and what the node answers goes on, once it has
/// been looked at and its tensors are here. A node that says what it was not
/// asked for loses its session. One that is to leave, or wants to, stands up
/// from all its seats first.
class rank_door_state {
public:
  static inline const char* name = "troupe.rank_door";

  rank_door_state(rank_door::pointer self, rank_door_options options);
  rank_door::behavior_type make_behavior();

private:
  /// What a node hands over, of which some is on its way.
  struct arriving {
    parallel::handed what;
    std::size_t missing = 0;
  };

  template <class What>
  void hear(What& what);
  template <class Answer>
  void pass(Answer& what);
  void receive(const ready& what);
  void receive(parallel::mustered& what);
  void receive(parallel::handed& what);
  void receive(const fetched& what);
  void receive(const drain& what);
  void take_seats(std::size_t lanes);

  void take(const parallel::convene& what);
  void take(parallel::muster& what);
  template <class Order>
  void forward(const Order& what);
  void lend(tensor& what, parallel::seat_id to);
  void take_back(parallel::seat_id from);
  tensor* find_missing(tensor_id id);

  rank_door::pointer self_;
  rank_door_options options_;
  doorstep<rank_door> step_;
  rank_ledger ledger_;
  std::string name_; ///< as it was let in
  bool draining_ = false;
  std::map<parallel::seat_id, std::vector<tensor_id>> lent_;
  std::optional<arriving> arriving_;
};
using rank_door_impl = rank_door::stateful_impl<rank_door_state>;

} // namespace troupe::cluster
