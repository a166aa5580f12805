#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <caf/default_enum_inspect.hpp>
#include <caf/string_view.hpp>

#include "gpu/device.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/facts.hpp"
#include "protocols/fields.hpp"
#include "protocols/ids.hpp"
#include "protocols/parallel/messages.hpp"
#include "protocols/tensor.hpp"
#include "protocols/training.hpp"
#include "protocols/type_ids.hpp"

// What two processes of a cluster say to each other. A frame is one of these
// and nothing else: no handle of an actor, no message or error of CAF's own, no
// tensor's bytes but those of a small one; others the courier moves.
//
//     node                         coordinator
//     hello{node} ───────────────────────────►   who it is
//     ◄──────────── welcome | refusal | lower    what is trained, on what
//     ready ─────────────────────────────────►   its slots, its data's digests
//     ◄─ carried, seated, score, revoke, call_off  work, or none of it
//     update, failure ───────────────────────►   what came of it
//     part_begun, evaluated_part ────────────►
//     ◄── convene, muster, advance, assess, hand_over   of a mesh: to its
//     convened, mustered, advanced, assessed,     ranks there, each by its seat
//     handed, broken ─────────────────────────►
//     ◄───────────────── state_stored, durable   what need not be kept
//     ◄────────────────────── release, arrived   tensors that are done with
//     drain ─────────────────────────────────►   it wants to leave
//     ◄───────────────────────────────── drain   it is to
//     farewell ◄─────────────────────► farewell  the session ends in order

namespace troupe::cluster {

/// Of a whole session; another one is refused before anything else is read.
constexpr std::uint16_t wire_version = 5;

/// What a connection is for.
enum class errand : std::uint8_t {
  node,    ///< lends its machine
  courier, ///< carries the tensors of a node's session
  status,  ///< asks who is there
  drain,   ///< asks that a node leave
  change,  ///< asks that another rule take over
};
std::string to_string(errand x);
bool from_string(caf::string_view text, errand& x);
bool from_integer(std::uint8_t value, errand& x);

/// Whoever dials, first of all.
struct hello {
  errand what_for = errand::node;
  std::string name;          ///< a node's; for `drain`, that of the node meant
  std::uint64_t session = 0; ///< at random; a courier's is its node's
  std::string build;         ///< the release of Troupe that it runs
  double silence = 0.0;      ///< seconds after which it takes a peer for lost
  bool resident = false;     ///< brings data of its own, for one client
  std::string fingerprint{}; ///< numeric, of its CPU
  std::vector<std::string> lowerable{}; ///< others that it can take on
  std::vector<std::string> settings{};  ///< for `change`: "section.key=value"
};

/// To a resident: who its client is, and what samples are like here.
struct residence {
  client_id client = 0;
  std::string run;                  ///< drawn at its start: no other has it
  std::vector<std::uint64_t> shape; ///< of a sample; empty: any
  std::uint64_t classes = 0;        ///< 0: any

  friend bool operator==(const residence&, const residence&) = default;
};

/// To a node: it may take part, if it can do what this says.
struct welcome {
  std::string name; ///< its own from now on
  std::uint64_t epoch = 0;
  std::string configuration; ///< effective, as TOML
  facts::provenance from;    ///< what the clients train on
  std::string fingerprint;   ///< numeric, of the coordinator
  version_id durable = 0;    ///< the run's, that survives any crash
  residence home{};          ///< of a resident alone
};

/// To whoever dialled: no, and why, in words; or what `drain` comes to.
struct refusal {
  std::string why;
};

/// To a node: it computes other bits than the run, and need not. It is to take
/// on this fingerprint, and come back.
struct lower {
  std::string fingerprint;
};

/// Node: the data are here and the slots wait.
struct ready {
  std::vector<std::uint8_t> slots; ///< `gpu::device_kind` by lane
  std::string fingerprint;
  facts::provenance from; ///< but a resident's data are its own
  /// HOST:PORT where it serves its own figures; empty: nowhere.
  std::string metrics{};
  std::uint64_t samples = 0; ///< a resident's
};

/// An offer, and where at the node it is to train.
struct seated {
  offer what;
  std::uint32_t lane = 0;
  std::uint64_t turn = 0; ///< at that lane
};

/// A part of the test set to score.
struct score {
  std::uint64_t part = 0;
  std::uint64_t first = 0; ///< sample
  std::uint64_t count = 0;
  tensor parameters;
  std::uint32_t lane = 0;
};

/// Coordinator: a version that frames will name by this id, and that is so
/// small that it need not be fetched.
struct carried {
  tensor_id what = 0;
  tensor values;
};

/// Coordinator: this part is not wanted any more; its answer still is.
struct call_off {
  std::uint64_t part = 0;
};

/// Coordinator: this version is needed no more at the node.
struct release {
  tensor_id what = 0;
};

/// Coordinator: this delta has arrived.
struct arrived {
  tensor_id what = 0;
};

/// Coordinator: this version survives any crash from here on. No run will ask
/// again for what was trained from an older one.
struct durable {
  version_id version = 0;
};

/// It finishes what it has, takes nothing new, and leaves.
struct drain {};

/// The last frame of a session that ends in order.
struct farewell {
  std::string why;
  bool over = false;     ///< the run has ended: do not come back
  std::uint8_t code = 0; ///< that a node's process ends with then
};

/// A sign of life, where nothing else is to be said.
struct beat {
  std::uint64_t heard = 0; ///< frames that its actor is through with
};

/// One node, as `status` shows it.
struct node_report {
  std::string name;
  std::string state;  ///< joining, member, draining, left, lost
  double since = 0.0; ///< seconds that it is in this state
  std::uint64_t slots = 0;
  std::uint64_t epoch = 0; ///< of its last change
  std::uint64_t rejoins = 0;
  std::string address;
  std::string why;       ///< it is lost
  std::string metrics{}; ///< where it serves its own; empty: nowhere
  bool resident = false;
  client_id client = 0;      ///< a resident's
  std::uint64_t samples = 0; ///< likewise
  std::string fingerprint{}; ///< numeric, if it is not the run's
};

/// What `status`, `drain` or `change` asked for.
struct report {
  std::string said; ///< in words; but of `status`
  std::string run;
  std::uint64_t epoch = 0; ///< of the membership
  std::uint64_t version = 0;
  std::uint64_t versions = 0; ///< to make in all, or rounds
  std::uint64_t updates = 0;
  bool promises_bits = true;
  std::string waits_for; ///< empty: for nothing
  double waits_since = 0.0;
  std::vector<node_report> nodes;
  std::vector<std::string> failures; ///< of clients, the last ones
  std::string rule{};                ///< its name
  std::string ranks{}; ///< of a mesh: where they are; empty: it is none
};

/// Whatever may be said.
using frame = std::variant<hello, welcome, refusal, ready, seated, score,
    revoke, release, arrived, update, failure, evaluated_part, part_begun,
    drain, farewell, beat, report, carried, durable, state_stored, lower,
    call_off, parallel::convene, parallel::muster, parallel::advance,
    parallel::assess, parallel::hand_over, parallel::convened,
    parallel::mustered, parallel::advanced, parallel::assessed,
    parallel::handed, parallel::broken>;

} // namespace troupe::cluster

// Append-only.
CAF_BEGIN_TYPE_ID_BLOCK(troupe_cluster, troupe::type_id_block(4))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::errand))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::hello))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::welcome))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::refusal))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::ready))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::seated))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::score))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::release))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::drain))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::farewell))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::beat))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::report))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::facts::provenance))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::arrived))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::node_report))
CAF_ADD_TYPE_ID(troupe_cluster, (std::vector<troupe::cluster::node_report>))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::carried))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::durable))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::residence))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::lower))
CAF_ADD_TYPE_ID(troupe_cluster, (troupe::cluster::call_off))
CAF_END_TYPE_ID_BLOCK(troupe_cluster)

namespace troupe {

namespace facts {
template <class Inspector>
bool inspect(Inspector& f, provenance& x) {
  return f.object(x).fields(f.field("features", x.features),
      f.field("labels", x.labels), f.field("test_features", x.test_features),
      f.field("test_labels", x.test_labels), f.field("initial", x.initial));
}
} // namespace facts

namespace cluster {

template <class Inspector>
bool inspect(Inspector& f, errand& x) {
  return caf::default_enum_inspect(f, x);
}
template <class Inspector>
bool inspect(Inspector& f, hello& x) {
  return f.object(x).fields(f.field("what_for", x.what_for),
      f.field("name", x.name), f.field("session", x.session),
      f.field("build", x.build), exactly(f, "silence", x.silence),
      f.field("resident", x.resident), f.field("fingerprint", x.fingerprint),
      f.field("lowerable", x.lowerable), f.field("settings", x.settings));
}
template <class Inspector>
bool inspect(Inspector& f, residence& x) {
  return f.object(x).fields(f.field("client", x.client), f.field("run", x.run),
      f.field("shape", x.shape), f.field("classes", x.classes));
}
template <class Inspector>
bool inspect(Inspector& f, welcome& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("epoch", x.epoch),
      f.field("configuration", x.configuration), f.field("from", x.from),
      f.field("fingerprint", x.fingerprint), f.field("durable", x.durable),
      f.field("home", x.home));
}
template <class Inspector>
bool inspect(Inspector& f, refusal& x) {
  return f.object(x).fields(f.field("why", x.why));
}
template <class Inspector>
bool inspect(Inspector& f, lower& x) {
  return f.object(x).fields(f.field("fingerprint", x.fingerprint));
}
template <class Inspector>
bool inspect(Inspector& f, call_off& x) {
  return f.object(x).fields(f.field("part", x.part));
}
template <class Inspector>
bool inspect(Inspector& f, ready& x) {
  return f.object(x).fields(f.field("slots", x.slots),
      f.field("fingerprint", x.fingerprint), f.field("from", x.from),
      f.field("metrics", x.metrics), f.field("samples", x.samples));
}
template <class Inspector>
bool inspect(Inspector& f, seated& x) {
  return f.object(x).fields(f.field("what", x.what), f.field("lane", x.lane),
      f.field("turn", x.turn));
}
template <class Inspector>
bool inspect(Inspector& f, score& x) {
  return f.object(x).fields(f.field("part", x.part), f.field("first", x.first),
      f.field("count", x.count), f.field("parameters", x.parameters),
      f.field("lane", x.lane));
}
template <class Inspector>
bool inspect(Inspector& f, carried& x) {
  return f.object(x).fields(
      f.field("what", x.what), f.field("values", x.values));
}
template <class Inspector>
bool inspect(Inspector& f, release& x) {
  return f.object(x).fields(f.field("what", x.what));
}
template <class Inspector>
bool inspect(Inspector& f, arrived& x) {
  return f.object(x).fields(f.field("what", x.what));
}
template <class Inspector>
bool inspect(Inspector& f, durable& x) {
  return f.object(x).fields(f.field("version", x.version));
}
template <class Inspector>
bool inspect(Inspector& f, drain& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, farewell& x) {
  return f.object(x).fields(
      f.field("why", x.why), f.field("over", x.over), f.field("code", x.code));
}
template <class Inspector>
bool inspect(Inspector& f, beat& x) {
  return f.object(x).fields(f.field("heard", x.heard));
}
template <class Inspector>
bool inspect(Inspector& f, node_report& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("state", x.state),
      exactly(f, "since", x.since), f.field("slots", x.slots),
      f.field("epoch", x.epoch), f.field("rejoins", x.rejoins),
      f.field("address", x.address), f.field("why", x.why),
      f.field("metrics", x.metrics), f.field("resident", x.resident),
      f.field("client", x.client), f.field("samples", x.samples),
      f.field("fingerprint", x.fingerprint));
}
template <class Inspector>
bool inspect(Inspector& f, report& x) {
  return f.object(x).fields(f.field("said", x.said), f.field("run", x.run),
      f.field("epoch", x.epoch), f.field("version", x.version),
      f.field("versions", x.versions), f.field("updates", x.updates),
      f.field("promises_bits", x.promises_bits),
      f.field("waits_for", x.waits_for),
      exactly(f, "waits_since", x.waits_since), f.field("nodes", x.nodes),
      f.field("failures", x.failures), f.field("rule", x.rule),
      f.field("ranks", x.ranks));
}

} // namespace cluster
} // namespace troupe
