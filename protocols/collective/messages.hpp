#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/fwd.hpp>
#include <caf/result.hpp>
#include <caf/typed_actor.hpp>

#include "protocols/collective/decisions.hpp"
#include "protocols/collective/sequence.hpp"
#include "protocols/local.hpp"
#include "protocols/type_ids.hpp"

// Who brings GPUs together, and who issues what to each.
//
//   ┌──────┐ perform ┌────────┐ enlist, epoch_named, formed, ┌──────────┐
//   │ user │ ──────► │ issuer │ declare, broke, released ──► │ convener │
//   └──────┘ ◄────── └────────┘ ◄── rejected, name_epoch,    └──────────┘
//    performed,       one a GPU      form_epoch, dissolve_epoch
//    epoch_opened, epoch_closed, turned_away

namespace troupe::collective {

struct enlist;
struct rejected;
struct name_epoch;
struct epoch_named;
struct form_epoch;
struct formed;
struct declared;
struct broke;
struct dissolve_epoch;
struct released;
struct perform;
struct performed;
struct epoch_opened;
struct epoch_closed;
struct issue_done;
struct let_go;
struct look;
struct wake_up;
struct turned_away;

} // namespace troupe::collective

// Append-only.
CAF_BEGIN_TYPE_ID_BLOCK(troupe_collective, troupe::type_id_block(3))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::enlist))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::rejected))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::name_epoch))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::epoch_named))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::form_epoch))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::formed))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::declared))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::broke))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::dissolve_epoch))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::released))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::perform))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::performed))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::epoch_opened))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::epoch_closed))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::issue_done))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::look))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::wake_up))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::turned_away))
CAF_ADD_TYPE_ID(troupe_collective, (troupe::collective::let_go))
CAF_END_TYPE_ID_BLOCK(troupe_collective)

namespace troupe::collective {

/// Issues one GPU's collectives, in one order; nobody else does.
using issuer = caf::typed_actor<       //
    caf::result<void>(perform),        // from users
    caf::result<void>(rejected),       // from the convener
    caf::result<void>(name_epoch),     //
    caf::result<void>(form_epoch),     //
    caf::result<void>(dissolve_epoch), //
    caf::result<void>(issue_done),     // from itself
    caf::result<void>(let_go),         //
    caf::result<void>(look),           //
    caf::result<void>(wake_up)>;

/// Brings issuers together in epochs, and takes them apart.
using convener = caf::typed_actor<  //
    caf::result<void>(enlist),      //
    caf::result<void>(epoch_named), //
    caf::result<void>(formed),      //
    caf::result<void>(declared),    //
    caf::result<void>(broke),       //
    caf::result<void>(released),    //
    caf::result<void>(wake_up)>;    // from itself

/// Asks for operations, and hears which epoch they are for.
using user = caf::typed_actor<       //
    caf::result<void>(epoch_opened), //
    caf::result<void>(epoch_closed), //
    caf::result<void>(turned_away),  //
    caf::result<void>(performed)>;

/// Issuer to convener: I am there. Said again after a rejection.
struct enlist {
  candidate who;
  issuer from;
};

/// Convener to issuer: not you, or not any more.
struct rejected {
  std::uint64_t incarnation = 0;
  refusal why = refusal::stale_incarnation;
  std::string text;
};

/// Convener to the issuer of rank 0: make a unique id.
struct name_epoch {
  epoch_id epoch = 0;
};
struct epoch_named {
  epoch_id epoch = 0;
  member_id member = 0;
  gpu::communicator_id id;
};

/// Convener to issuers: join the communicator of this id.
struct form_epoch {
  epoch_id epoch = 0;
  std::uint32_t rank = 0;
  std::uint32_t size = 0;
  gpu::communicator_id id;
};
struct formed {
  epoch_id epoch = 0;
  member_id member = 0;
};

/// Issuer to convener: I was asked for this.
struct declared {
  member_id member = 0;
  order what;
};

/// Issuer to convener: an error, and I have let go of the epoch.
struct broke {
  epoch_id epoch = 0;
  member_id member = 0;
  std::string text;
};

/// Convener to issuers: abort what waits, let go, and say so.
struct dissolve_epoch {
  epoch_id epoch = 0;
  trouble why = trouble::none;
  std::string text;
};
struct released {
  epoch_id epoch = 0;
  member_id member = 0;
};

/// User to issuer. `in` and `out` are on the issuer's device, filled and free
/// by the time this is sent, and stay until the answer: `owner` holds them.
/// A broadcast works in `out` alone; a transfer's sender uses `in`, its
/// receiver `out`.
struct perform {
  order what;
  gpu::const_typed_span in;
  gpu::typed_span out;
  std::shared_ptr<const void> owner;
  user reply_to;
};

/// Issuer to user: what became of it. After `done`, `out` is there.
struct performed {
  epoch_id epoch = 0;
  operation_number number = 0;
  outcome how = outcome::done;
  trouble why = trouble::none;
  std::string text;
};

/// Issuer to its user: operations may be asked for, from number 0.
struct epoch_opened {
  epoch_id epoch = 0;
  std::uint32_t rank = 0;
  std::uint32_t size = 0;
};
/// And no more. What waits is answered on its own.
struct epoch_closed {
  epoch_id epoch = 0;
  trouble why = trouble::none;
  std::string text;
};

/// Issuer to its user: there is no place in the ensemble, or none yet.
struct turned_away {
  refusal why = refusal::stale_incarnation;
  std::string text;
};

/// To itself, from the device's stream.
struct issue_done {
  epoch_id epoch = 0;
  operation_number number = 0;
};
/// To itself, from the device's stream: it is done with an epoch's memory. 0:
/// look after the device, it should have said so.
struct let_go {
  epoch_id epoch = 0;
};
/// To itself: look how NCCL is. One at a time.
struct look {
  std::uint64_t turn = 0;
};
/// To itself: a rule asked to be woken. One at a time.
struct wake_up {
  std::uint64_t turn = 0;
};

template <class Inspector>
bool inspect(Inspector& f, enlist& x) {
  return f.object(x).fields(f.field("who", x.who), f.field("from", x.from));
}
template <class Inspector>
bool inspect(Inspector& f, rejected& x) {
  return f.object(x).fields(f.field("incarnation", x.incarnation),
      choice(f, "why", x.why, refusals), f.field("text", x.text));
}
template <class Inspector>
bool inspect(Inspector& f, name_epoch& x) {
  return f.object(x).fields(f.field("epoch", x.epoch));
}
template <class Inspector>
bool inspect(Inspector& f, epoch_named& x) {
  return f.object(x).fields(f.field("epoch", x.epoch),
      f.field("member", x.member), f.field("id", x.id.bytes));
}
template <class Inspector>
bool inspect(Inspector& f, form_epoch& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("rank", x.rank),
      f.field("size", x.size), f.field("id", x.id.bytes));
}
template <class Inspector>
bool inspect(Inspector& f, formed& x) {
  return f.object(x).fields(
      f.field("epoch", x.epoch), f.field("member", x.member));
}
template <class Inspector>
bool inspect(Inspector& f, declared& x) {
  return f.object(x).fields(
      f.field("member", x.member), f.field("what", x.what));
}
template <class Inspector>
bool inspect(Inspector& f, broke& x) {
  return f.object(x).fields(f.field("epoch", x.epoch),
      f.field("member", x.member), f.field("text", x.text));
}
template <class Inspector>
bool inspect(Inspector& f, dissolve_epoch& x) {
  return f.object(x).fields(f.field("epoch", x.epoch),
      choice(f, "why", x.why, troubles), f.field("text", x.text));
}
template <class Inspector>
bool inspect(Inspector& f, released& x) {
  return f.object(x).fields(
      f.field("epoch", x.epoch), f.field("member", x.member));
}
template <class Inspector>
bool inspect(Inspector& f, perform&) {
  return refuse_to_serialise(f, "troupe::collective::perform");
}
template <class Inspector>
bool inspect(Inspector& f, performed& x) {
  return f.object(x).fields(f.field("epoch", x.epoch),
      f.field("number", x.number), choice(f, "how", x.how, outcomes),
      choice(f, "why", x.why, troubles), f.field("text", x.text));
}
template <class Inspector>
bool inspect(Inspector& f, epoch_opened& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("rank", x.rank),
      f.field("size", x.size));
}
template <class Inspector>
bool inspect(Inspector& f, epoch_closed& x) {
  return f.object(x).fields(f.field("epoch", x.epoch),
      choice(f, "why", x.why, troubles), f.field("text", x.text));
}
template <class Inspector>
bool inspect(Inspector& f, turned_away& x) {
  return f.object(x).fields(
      choice(f, "why", x.why, refusals), f.field("text", x.text));
}
template <class Inspector>
bool inspect(Inspector& f, issue_done& x) {
  return f.object(x).fields(
      f.field("epoch", x.epoch), f.field("number", x.number));
}
template <class Inspector>
bool inspect(Inspector& f, let_go& x) {
  return f.object(x).fields(f.field("epoch", x.epoch));
}
template <class Inspector>
bool inspect(Inspector& f, look& x) {
  return f.object(x).fields(f.field("turn", x.turn));
}
template <class Inspector>
bool inspect(Inspector& f, wake_up& x) {
  return f.object(x).fields(f.field("turn", x.turn));
}

} // namespace troupe::collective
