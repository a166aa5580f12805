#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "protocols/cluster/interfaces.hpp"
#include "protocols/cluster/peer.hpp"
#include "protocols/verbs.hpp"

namespace troupe::cluster {

struct rank_host_options {
  shared_peer peer;
  /// Spawns the ranks of this node, by lane, which answer whom it is given.
  std::function<std::vector<parallel::rank_actor>(parallel::rank_sink)> ranks;
};

/// A node's end of its session in a mesh: what the coordinator says to a seat
/// goes to the rank that sits there, once the tensors that come with it are
/// here, and what that answers goes back.
///
///     idle ──serve──► serving ──farewell, parted, refusal──► over
///
/// A rank that dies takes its node's session with it.
class rank_host_state {
public:
  static inline const char* name = "troupe.rank_host";

  rank_host_state(rank_host::pointer self, rank_host_options options);
  rank_host::behavior_type make_behavior();

private:
  /// An order whose tensors are on their way.
  struct waiting {
    parallel::muster what;
    std::size_t missing = 0;
  };

  template <class What>
  void hear(What& what);
  caf::result<farewell> start(const serve& what);
  void receive(const parallel::convene& what);
  void receive(parallel::muster& what);
  template <class Order>
  void receive(const Order& what);
  void receive(const arrived& what);
  void receive(const refusal& what) { end({what.why, true, 1}); }
  void receive(const drain&) {} // told by its farewell
  void receive(const farewell& what) { end(what); }
  void bring(const fetched& what);
  template <class Answer>
  void answer(Answer& what);
  void answer(parallel::handed& what);
  void pass(tensor& what, parallel::seat_id from);
  const parallel::rank_actor* rank_at(parallel::seat_id seat);
  void want_to_leave();
  void end(farewell how);

  rank_host::pointer self_;
  rank_host_options options_;
  std::vector<parallel::rank_actor> ranks_; ///< by lane
  caf::typed_response_promise<farewell> promise_;
  bool over_ = false;
  std::map<parallel::seat_id, std::uint32_t> seats_; ///< lanes
  std::map<parallel::seat_id, waiting> waiting_;
  std::map<tensor_id, parallel::seat_id> lent_;
};
using rank_host_impl = rank_host::stateful_impl<rank_host_state>;

} // namespace troupe::cluster
