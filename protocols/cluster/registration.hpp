#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <caf/result.hpp>
#include <caf/typed_actor.hpp>

#include "protocols/cluster/interfaces.hpp"
#include "protocols/cluster/peer.hpp"
#include "protocols/ids.hpp"
#include "protocols/local.hpp"
#include "protocols/observer.hpp"

// Who is a member: what doors and people ask the registrar.

namespace troupe {
namespace cluster {

/// A node that wants to take part, as its connection knows it.
struct candidate {
  hello what;
  std::uint64_t number = 0; ///< of its connection: 1, 2, 3...
  std::string key;          ///< of its certificate; empty: none
  std::string address;      ///< for people
};

/// Door to registrar: this node is there. Answered by `admission`.
struct knock {
  candidate who;
  doorway at;
};
struct admission {
  bool granted = false;
  std::string why; ///< it is not
  std::string name;
  std::uint64_t epoch = 0;
  version_id durable = 0;            ///< the run's
  std::optional<client_id> client{}; ///< of a resident
  std::string lower_to{};            ///< it may come back with this fingerprint
};

/// Door to registrar: this node has said what it can do. Answered by
/// `admission`, too.
struct prepared {
  std::uint64_t session = 0;
  ready what;
};

/// Door to registrar: no slot of this node is needed any more, or it is gone.
struct gone {
  std::uint64_t session = 0;
  std::string why;
  bool in_order = false;
  double silence = 0.0; ///< seconds since its last sign of life
};

/// Door to registrar: this node is to leave, or wants to.
struct drained {
  std::uint64_t session = 0;
};

/// Port to registrar: somebody never came to be a node, and why.
struct turned_away {
  std::string who; ///< name or address
  std::string why;
};

/// For people: who is there, or a node that is to leave. Whoever asks gets a
/// report, or a refusal that says why not.
struct inquiry {
  hello what;
  std::shared_ptr<asker> from;
};

template <class Inspector>
bool inspect(Inspector& f, knock&) {
  return refuse_to_serialise(f, "troupe::cluster::knock");
}
template <class Inspector>
bool inspect(Inspector& f, admission& x) {
  return f.object(x).fields(f.field("granted", x.granted),
      f.field("why", x.why), f.field("name", x.name), f.field("epoch", x.epoch),
      f.field("durable", x.durable), f.field("client", x.client),
      f.field("lower_to", x.lower_to));
}
template <class Inspector>
bool inspect(Inspector& f, prepared& x) {
  return f.object(x).fields(
      f.field("session", x.session), f.field("what", x.what));
}
template <class Inspector>
bool inspect(Inspector& f, gone& x) {
  return f.object(x).fields(f.field("session", x.session),
      f.field("why", x.why), f.field("in_order", x.in_order),
      f.field("silence", x.silence));
}
template <class Inspector>
bool inspect(Inspector& f, drained& x) {
  return f.object(x).fields(f.field("session", x.session));
}
template <class Inspector>
bool inspect(Inspector& f, turned_away& x) {
  return f.object(x).fields(f.field("who", x.who), f.field("why", x.why));
}
template <class Inspector>
bool inspect(Inspector& f, inquiry&) {
  return refuse_to_serialise(f, "troupe::cluster::inquiry");
}

} // namespace cluster
} // namespace troupe

// Append-only.
CAF_BEGIN_TYPE_ID_BLOCK(troupe_registration, troupe::type_id_block(6))
CAF_ADD_TYPE_ID(troupe_registration, (troupe::cluster::knock))
CAF_ADD_TYPE_ID(troupe_registration, (troupe::cluster::admission))
CAF_ADD_TYPE_ID(troupe_registration, (troupe::cluster::prepared))
CAF_ADD_TYPE_ID(troupe_registration, (troupe::cluster::gone))
CAF_ADD_TYPE_ID(troupe_registration, (troupe::cluster::drained))
CAF_ADD_TYPE_ID(troupe_registration, (troupe::cluster::inquiry))
CAF_ADD_TYPE_ID(troupe_registration, (troupe::cluster::turned_away))
CAF_END_TYPE_ID_BLOCK(troupe_registration)

namespace troupe {

/// Knows who is a member of a run's cluster, and tells of each change.
using registrar = caf::typed_actor<                     //
    caf::result<cluster::admission>(cluster::knock),    //
    caf::result<cluster::admission>(cluster::prepared), //
    caf::result<void>(cluster::gone),                   //
    caf::result<void>(cluster::drained),                //
    caf::result<void>(cluster::inquiry),                //
    caf::result<void>(cluster::turned_away),            //
    caf::result<void>(fact_batch),                      //
    caf::result<void>(cluster::dismissal),              // the run has ended
    caf::result<void>(tick)>;

} // namespace troupe
