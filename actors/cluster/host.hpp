#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocols/cluster/interfaces.hpp"
#include "protocols/cluster/kept_updates.hpp"
#include "protocols/cluster/peer.hpp"
#include "protocols/verbs.hpp"

namespace troupe::cluster {

struct host_options {
  shared_peer peer;
  std::vector<worker> workers;     ///< by client id, from `first` on
  std::vector<compute_slot> slots; ///< by lane
  training::view test;
  kept_updates kept{}; ///< in the sessions before, of the same run
  client_id first = 0;
  state_keeper keeper{}; ///< a resident's; none: its client keeps nothing
};

/// A node's end of its session. What the coordinator seats goes to the client's
/// worker and on to the slot that was named; what the slot answers goes back.
/// A tensor that was lent is brought once, and kept until the coordinator needs
/// it no more; what waits for it keeps its order. Small ones go along with the
/// frames of both sides.
///
///     idle ──serve──► serving ──drain──► draining ──farewell──► over
///                        └──farewell, parted, refusal────────────┘
///
/// An update is kept until its version survives any crash, and handed in where
/// a coordinator that has come back asks for it again.
///
/// Whoever trains is told to stop when the session is over.
///
/// A resident's states are named by the coordinator and come from its keeper;
/// an update is said once the state that it left is kept.
class host_state {
public:
  static inline const char* name = "troupe.host";

  host_state(host::pointer self, host_options options);
  ~host_state();
  host::behavior_type make_behavior();

private:
  /// A lease that trains, or is to.
  struct leased {
    client_id client = 0;
    training_order order{}; ///< once its tensors are here
  };
  /// A tensor that was lent to this node, and what waits for it.
  struct held {
    gpu::shared_buffer here;
    std::vector<seated> leases{};
    std::vector<score> parts{};
  };

  template <class What>
  void hear(const What& what);
  caf::result<farewell> start(const serve& what);
  kept give_kept();
  void receive(const seated& what);
  void receive(const score& what);
  void receive(const revoke& what);
  void receive(const carried& what);
  void receive(const call_off& what);
  void receive(const state_stored& what);
  void receive(const release& what);
  void receive(const arrived& what);
  void receive(const durable& what);
  void receive(const refusal& what);
  void receive(const drain& what);
  void receive(const farewell& what);
  void receive(const fetched& what);
  void answer(update& what);
  void answer(const failure& what);
  void send_update(update what);

  bool has_lane(std::uint32_t lane);
  held* missing_of(const tensor& what);
  gpu::shared_buffer here(const tensor& what) const;
  void seat_once_brought(const seated& what);
  void seat(const seated& what);
  void order_training(seated what);
  bool hand_in(const seated& what, const training_order& order);
  void tell(update&& what);
  const worker* worker_of(client_id client) const;

  // of a resident: host_resident.cpp
  void recall(seated what);
  void keep(update&& what);
  void give_up(const std::string& why);

  void stop_at_once(const seated& what);
  void begin(const score& what, const gpu::shared_buffer& parameters);
  void answer(const evaluated_part& what);
  void stop_parts();
  void want_to_leave();
  void end(farewell how);

  host::pointer self_;
  host_options options_;
  caf::typed_response_promise<farewell> promise_;
  bool over_ = false;
  std::map<tensor_id, held> held_;
  std::unordered_map<lease_id, leased> leases_;
  std::map<std::uint64_t, std::stop_source> parts_; ///< of the test set
  std::unordered_map<lease_id, seated> recalling_;  ///< wait for their state
};
using host_impl = host::stateful_impl<host_state>;

} // namespace troupe::cluster
