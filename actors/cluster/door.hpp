#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/cluster/doorstep.hpp"
#include "gpu/device_stream.hpp"
#include "protocols/cluster/interfaces.hpp"
#include "protocols/cluster/peer.hpp"
#include "protocols/cluster/registration.hpp"
#include "protocols/verbs.hpp"

namespace troupe::cluster {

struct door_options {
  candidate who;
  shared_peer peer;
  troupe::registrar registrar;
  aggregator lend_to;
  welcome greeting;                ///< without name and epoch
  std::uint64_t values = 0;        ///< of a model: no delta has another number
  std::uint64_t most = UINT64_MAX; ///< that a client's state may have
  double max_norm = 0.0;           ///< of a delta; 0: any
};

/// The coordinator's end of one node's session, and all that the node can
/// reach. Its slots are lanes of this actor: it takes their tasks and answers
/// them as a slot of this process would, so that nobody behind it knows the
/// difference. When the node parts it ends, and what it had is leased again.
///
///            admitted             the data are those of the run
///     knocking ──► preparing ──────────────► lent ──drain──► draining
///        │             │                       │                 │ all slots
///        └─refused─────┴──────► parting ◄──────┴─────────────────┘ have left
///
/// A node that says what it was not asked for loses its session. A version is
/// lent to it once, whatever its number of clients, and taken back when no
/// lease starts from it, or will; a small one goes to it before it is named.
///
/// Where the node is a resident the door is its client's worker, too: it enrols
/// it behind its slots, which are for it alone, and has it leave before them.
/// What the client keeps goes by its name.
class door_state {
public:
  static inline const char* name = "troupe.door";

  door_state(door::pointer self, door_options options);
  door::behavior_type make_behavior();

private:
  /// Has a door say to its node that something is to stop. It may be called on
  /// any thread.
  template <class Message>
  struct stopper {
    caf::actor_addr whom;
    Message say;
    void operator()() const;
  };
  struct training_task {
    client_id client = 0;
    version_id base = 0;
    std::uint32_t lane = 0;
    std::uint64_t turn = 0;
    update_sink reply_to;
    tensor_id from = 0;
    tensor_id state = 0;   ///< its client's, lent for this task alone
    tensor_id variate = 0; ///< the server's, lent as parameters are
    std::unique_ptr<std::stop_callback<stopper<revoke>>> stop{};
  };
  /// An update some of whose tensors are on their way.
  struct arriving {
    update what;
    std::size_t missing = 0;
  };
  struct scoring_task {
    score_sink reply_to;
    tensor_id from = 0;
    std::unique_ptr<std::stop_callback<stopper<call_off>>> stop{};
  };
  struct lending {
    tensor what;
    std::uint64_t uses = 0;
    std::optional<version_id> of{}; ///< as far as a lease has told
  };

  template <class What>
  void hear(What& what);
  void knock();
  void receive(const ready& what);
  void lend_slots(const ready& what);
  void receive(update& what);
  void receive(const failure& what);
  void receive(const evaluated_part& what);
  void receive(const part_begun& what);
  void receive(const drain& what);
  void receive(const farewell& what) { step_.leave(what); }
  void receive(const fetched& what);

  void take(train_task& what);
  void take(const evaluate_task& what);
  void give(seated order, training_task task);
  void collect(update&& what);
  void answer(update&& what);
  void keep(slot_id first);
  void retire_slots();
  void retire(slot_id slot);
  void announce(const durable& what);
  void accuse(const std::string& of) { step_.accuse(of); }

  // of a resident: door_resident.cpp
  void move_in(std::uint64_t samples);
  void move_out();
  void take(seated_offer& what);
  bool keeps_state(const trained& what) const;

  void bring(const std::vector<tensor>& what, lease_id of);
  void done_with(const training_task& what);
  tensor lent(
      const tensor& what, tensor_id& newest, std::optional<version_id> of = {});
  void give_back(tensor_id what);
  void forget_unused();
  void forget_outdated(version_id stored);

  door::pointer self_;
  door_options options_;
  doorstep<door> step_;
  bool draining_ = false;
  std::string name_;                ///< as it was let in
  std::optional<client_id> client_; ///< of a resident
  std::size_t lanes_ = 0;
  std::vector<slot_id> slots_; ///< of the run, as far as it has them
  std::size_t left_ = 0;       ///< of these
  std::unordered_map<lease_id, training_task> tasks_;
  std::unordered_map<std::uint32_t, std::uint64_t> through_; ///< turns, by lane
  std::map<std::uint64_t, scoring_task> parts_;
  std::map<const gpu::buffer*, lending> lent_;
  tensor_id newest_ = 0;         ///< parameters
  tensor_id newest_variate_ = 0; ///< of the server
  std::unordered_map<lease_id, arriving> arriving_;
  std::unordered_map<tensor_id, lease_id> coming_; ///< tensors on their way
  gpu::device_stream host_;
};
using door_impl = door::stateful_impl<door_state>;

} // namespace troupe::cluster
