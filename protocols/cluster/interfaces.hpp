#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/error.hpp>
#include <caf/result.hpp>
#include <caf/typed_actor.hpp>

#include "protocols/cluster/frames.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/local.hpp"
#include "protocols/parallel/messages.hpp"
#include "protocols/run.hpp"

// Who stands at the two ends of a connection, and what is said behind it.
//
//     aggregator, workers                                 workers, slots
//      ▲   │ train_task, evaluate_task           seated_offer │   ▲ update
//      │   ▼                                                  ▼   │
//     ┌──────┐  seated, score, revoke, release…  frames      ┌──────┐
//     │ door │ ════════════════════════════════════════════► │ host │
//     └──────┘ ◄════════════════════════════════════════════ └──────┘
//       │ ▲        ready, update, failure, farewell
// knock,│ │ admission
// ready ▼ │
//     ┌───────────┐ node_changed ┌────────────┐
//     │ registrar │ ───────────► │ aggregator │
//     └───────────┘              └────────────┘
//
// In a mesh a rank_door and a rank_host stand there, between the conductor and
// a node's ranks: the same orders and answers as in one process.

namespace troupe {
namespace cluster {

/// From its peer to an actor: a tensor that was to be brought is here.
struct fetched {
  tensor_id what = 0;
  tensor here;
  float largest = 0.0f;   ///< magnitude; NaN: a value is not finite
  std::string failed;     ///< why it did not come; empty: it did
  bool too_large = false; ///< its norm is above the bound, if there is one
};

/// From its peer to an actor: the session is over. The last message.
struct parted {
  std::string why;
  bool in_order = false; ///< it was closed here
  double silence = 0.0;  ///< seconds since the last sign of life
};

/// To a door: the run has ended; the node is told so.
struct dismissal {
  farewell what;
};

/// To whoever keeps a resident's states: an update has left this one. Answered
/// once it outlasts any crash.
struct keep_state {
  state_name name = no_state;
  tensor values;
};

/// Likewise: its client is to train from this one, so that those after it are
/// void. Answered by its values; none: it begins with nothing.
struct recall_state {
  state_name name = no_state;
};
struct recalled_state {
  tensor values;
};

/// To a host: tell the coordinator that its slots are ready. Answered when the
/// session is over, by how.
struct serve {
  ready with;
};

/// To a host whose session is over: what it has kept. Answered by `kept`.
struct hand_over {
  template <class Inspector>
  friend bool inspect(Inspector& f, hand_over& x) {
    return f.object(x).fields();
  }
};
class kept_updates; // protocols/cluster/kept_updates.hpp
struct kept {
  std::shared_ptr<kept_updates> what;
};

template <class Inspector>
bool inspect(Inspector& f, kept&) {
  return refuse_to_serialise(f, "troupe::cluster::kept");
}
template <class Inspector>
bool inspect(Inspector& f, keep_state& x) {
  return f.object(x).fields(
      f.field("name", x.name), f.field("values", x.values));
}
template <class Inspector>
bool inspect(Inspector& f, recall_state& x) {
  return f.object(x).fields(f.field("name", x.name));
}
template <class Inspector>
bool inspect(Inspector& f, recalled_state& x) {
  return f.object(x).fields(f.field("values", x.values));
}
template <class Inspector>
bool inspect(Inspector& f, serve& x) {
  return f.object(x).fields(f.field("with", x.with));
}
template <class Inspector>
bool inspect(Inspector& f, dismissal& x) {
  return f.object(x).fields(f.field("what", x.what));
}
template <class Inspector>
bool inspect(Inspector& f, fetched&) {
  return refuse_to_serialise(f, "troupe::cluster::fetched");
}
template <class Inspector>
bool inspect(Inspector& f, parted& x) {
  return f.object(x).fields(f.field("why", x.why),
      f.field("in_order", x.in_order), f.field("silence", x.silence));
}

} // namespace cluster
} // namespace troupe

// Append-only.
CAF_BEGIN_TYPE_ID_BLOCK(troupe_doors, troupe::type_id_block(5))
CAF_ADD_TYPE_ID(troupe_doors, (troupe::cluster::fetched))
CAF_ADD_TYPE_ID(troupe_doors, (troupe::cluster::parted))
CAF_ADD_TYPE_ID(troupe_doors, (troupe::cluster::dismissal))
CAF_ADD_TYPE_ID(troupe_doors, (troupe::cluster::serve))
CAF_ADD_TYPE_ID(troupe_doors, (troupe::cluster::hand_over))
CAF_ADD_TYPE_ID(troupe_doors, (troupe::cluster::kept))
CAF_ADD_TYPE_ID(troupe_doors, (troupe::cluster::keep_state))
CAF_ADD_TYPE_ID(troupe_doors, (troupe::cluster::recall_state))
CAF_ADD_TYPE_ID(troupe_doors, (troupe::cluster::recalled_state))
CAF_END_TYPE_ID_BLOCK(troupe_doors)

namespace troupe::cluster {

/// Stands for one node at the coordinator: its slots are lanes of this compute
/// actor, and what they answer goes back the way the tasks came. Of a resident
/// it is the client's worker, too.
using door = compute::extend<          //
    caf::result<void>(ready),          // from its node
    caf::result<void>(update),         //
    caf::result<void>(failure),        //
    caf::result<void>(evaluated_part), //
    caf::result<void>(part_begun),     //
    caf::result<void>(drain),          // likewise, or from the registrar
    caf::result<void>(farewell),       //
    caf::result<void>(fetched),        // from its peer
    caf::result<void>(parted),         //
    caf::result<void>(revoke),         // of a task that is to stop
    caf::result<void>(call_off),       // likewise
    caf::result<void>(seated_offer),   // to its resident, from the aggregator
    caf::result<void>(state_stored),   // likewise
    caf::result<void>(durable),        // from the registrar
    caf::result<void>(dismissal)>;     //

/// What a registrar tells a door, whatever its node is there for.
using doorway = caf::typed_actor< //
    caf::result<void>(drain),     //
    caf::result<void>(durable),   //
    caf::result<void>(dismissal)>;

/// Keeps the states of a resident's client on the disk of its node.
using state_keeper = caf::typed_actor<         //
    caf::result<void>(keep_state),             //
    caf::result<recalled_state>(recall_state), //
    caf::result<void>(state_stored)>;          // answered: that state is here

/// A node's end: its slots, and a worker for each client that is trained here.
using host = caf::typed_actor<          //
    caf::result<farewell>(serve),       // from its process
    caf::result<kept>(hand_over),       //
    caf::result<void>(interrupt),       // likewise: it wants to leave
    caf::result<void>(seated),          // from the coordinator
    caf::result<void>(score),           //
    caf::result<void>(revoke),          //
    caf::result<void>(carried),         //
    caf::result<void>(call_off),        //
    caf::result<void>(state_stored),    //
    caf::result<void>(release),         //
    caf::result<void>(arrived),         //
    caf::result<void>(durable),         //
    caf::result<void>(refusal),         //
    caf::result<void>(drain),           //
    caf::result<void>(farewell),        //
    caf::result<void>(fetched),         // from its peer
    caf::result<void>(parted),          //
    caf::result<void>(update),          // from its slots
    caf::result<void>(failure),         //
    caf::result<void>(part_begun),      //
    caf::result<void>(evaluated_part)>; //

/// Stands for the ranks of one node at the coordinator, for each of them by its
/// seat.
using rank_door = parallel::rank_actor::extend< //
    caf::result<void>(ready),                   // from its node
    caf::result<void>(parallel::convened),      //
    caf::result<void>(parallel::mustered),      //
    caf::result<void>(parallel::advanced),      //
    caf::result<void>(parallel::assessed),      //
    caf::result<void>(parallel::handed),        //
    caf::result<void>(parallel::broken),        //
    caf::result<void>(drain),                   // likewise, or the registrar
    caf::result<void>(farewell),                //
    caf::result<void>(fetched),                 // from its peer
    caf::result<void>(parted),                  //
    caf::result<void>(durable),                 // from the registrar
    caf::result<void>(dismissal)>;              //

/// A node's end of a mesh: its ranks answer it as they would their conductor.
using rank_host = parallel::rank_actor::extend< // from the coordinator
    caf::result<farewell>(serve),               // from its process
    caf::result<void>(interrupt),               // likewise: it wants to leave
    caf::result<void>(arrived),                 // from the coordinator
    caf::result<void>(refusal),                 //
    caf::result<void>(drain),                   //
    caf::result<void>(farewell),                //
    caf::result<void>(fetched),                 // from its peer
    caf::result<void>(parted),                  //
    caf::result<void>(parallel::convened),      // from its ranks
    caf::result<void>(parallel::mustered),      //
    caf::result<void>(parallel::advanced),      //
    caf::result<void>(parallel::assessed),      //
    caf::result<void>(parallel::handed),        //
    caf::result<void>(parallel::broken)>;       //

} // namespace troupe::cluster
