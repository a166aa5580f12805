#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include <caf/result.hpp>
#include <caf/typed_actor.hpp>

#include "gpu/training/learner.hpp"
#include "protocols/blocks.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/facts.hpp"
#include "protocols/fields.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/local.hpp"
#include "protocols/run.hpp"
#include "protocols/storage.hpp"
#include "protocols/tensor.hpp"
#include "protocols/type_ids.hpp"

// What is said between a mesh's conductor and its ranks. Tensors that they add
// and exchange go by their group, beside the messages.
//
//     conductor                            rank: local, or behind a door
//     convene{epoch, opens} ─────────────────►   where does it stand?
//     ◄────────────── convened{step, address}
//     muster{rank, ranks, address, root} ────►   meets the others; the state
//     ◄──────────────────────────── mustered      comes from the root
//     advance{first, last} ──────────────────►   so many steps; the next such
//     ◄────────────────────── advanced{loss…}     order lies ready before
//     assess{step} ──────────────────────────►   its part of the test set
//     ◄────────────────────── assessed{sums}
//     hand_over{step} ───────────────────────►   what makes the state
//     ◄──────────────── handed{parameters, …}
//     ◄──────────────── broken{why, blames}      the group is at its end
//
// Every message but the first names the epoch that it belongs to; one of
// another epoch is dropped.

namespace troupe::parallel {

using epoch_id = std::uint64_t; ///< of one composition of ranks; 0: none
using seat_id = std::uint32_t;  ///< of a rank, for as long as it is there
using step_id = std::uint64_t;  ///< steps that have been made
inline constexpr std::uint32_t nobody = UINT32_MAX; ///< no rank

/// Conductor: a new epoch; what was under way is void. Say where you stand, and
/// if you open, where the others find you.
struct convene {
  epoch_id epoch = 0;
  seat_id seat = 0; ///< yours, in all that you answer
  std::uint32_t ranks = 0;
  bool opens = false;
  std::uint32_t lane = 0; ///< of a node's ranks, the one that is meant
};
/// Rank: so many steps are in what it has; it may have nothing.
struct convened {
  epoch_id epoch = 0;
  seat_id seat = 0;
  bool has_state = false;
  step_id step = 0;
  std::string at; ///< an address; of the one that opens
};

/// Conductor: your rank among the others. All take the state of `step` from the
/// root, which has it, or is given it here; or make it from the seed.
struct muster {
  epoch_id epoch = 0;
  seat_id seat = 0;
  std::uint32_t rank = 0;
  std::uint32_t ranks = 1;
  std::string at;
  std::uint32_t root = 0;
  step_id step = 0;
  bool from_seed = false; ///< there is no state yet, and no root
  tensor parameters{};    ///< to the root: it is to begin with these, and
  named_blocks blocks{};  ///< with what its optimiser kept
};
/// Rank: it stands there with the others, and has the state.
struct mustered {
  epoch_id epoch = 0;
  seat_id seat = 0;
};

/// Conductor: make the steps [first, last).
struct advance {
  epoch_id epoch = 0;
  seat_id seat = 0;
  step_id first = 0;
  step_id last = 0;
};
/// Rank: it has. Sums are over its own samples.
struct advanced {
  epoch_id epoch = 0;
  seat_id seat = 0;
  step_id last = 0;
  std::uint64_t samples = 0;
  double loss = 0.0;        ///< sum over its samples
  double seconds = 0.0;     ///< wall time, of all
  double computing = 0.0;   ///< of these, in passes and optimiser
  std::uint64_t bytes = 0;  ///< sent to other ranks
  double cpu_seconds = 0.0; ///< thread CPU time
};

/// Conductor: score your part of the test set.
struct assess {
  epoch_id epoch = 0;
  seat_id seat = 0;
  step_id step = 0;
};
struct assessed {
  epoch_id epoch = 0;
  seat_id seat = 0;
  step_id step = 0;
  training::evaluation sums;
  double cpu_seconds = 0.0;
};

/// Conductor: what you have is to be stored. Where ranks have parts of it, all
/// of them are asked, and the first one answers.
struct hand_over {
  epoch_id epoch = 0;
  seat_id seat = 0;
  step_id step = 0;
};
struct handed {
  epoch_id epoch = 0;
  seat_id seat = 0;
  step_id step = 0;
  tensor parameters;
  named_blocks blocks; ///< the optimiser's
};

/// Rank: its group is at its end, or it cannot go on itself.
struct broken {
  epoch_id epoch = 0;
  seat_id seat = 0;
  step_id step = 0;              ///< that it has completed
  std::uint32_t blames = nobody; ///< a rank; itself: it cannot go on
  std::string why;
  /// No other composition helps: the run fails.
  bool fatal = false;
};

struct seated;    // below: handles refer to each other
struct begin;     //
struct rank_gone; //
struct start_over;

} // namespace troupe::parallel

// Append-only.
CAF_BEGIN_TYPE_ID_BLOCK(troupe_parallel, troupe::type_id_block(10))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::convene))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::convened))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::muster))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::mustered))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::advance))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::advanced))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::assess))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::assessed))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::hand_over))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::handed))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::broken))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::begin))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::seated))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::rank_gone))
CAF_ADD_TYPE_ID(troupe_parallel, (troupe::parallel::start_over))
CAF_END_TYPE_ID_BLOCK(troupe_parallel)

namespace troupe::parallel {

/// One replica of a model, or a part of one: a member of groups. What it is
/// told it does in that order, on a thread of its own.
using rank_actor = caf::typed_actor< //
    caf::result<void>(convene),      //
    caf::result<void>(muster),       //
    caf::result<void>(advance),      //
    caf::result<void>(assess),       //
    caf::result<void>(hand_over)>;

/// To a rank's executor: an epoch begins; it ends when `until` is requested.
struct start_over {
  convene what;
  std::stop_token until;
};

/// Carries out what its rank is told, in that order, on a thread of its own;
/// the answers are the rank's.
using executor = caf::typed_actor< //
    caf::result<void>(start_over), //
    caf::result<void>(muster),     //
    caf::result<void>(advance),    //
    caf::result<void>(assess),     //
    caf::result<void>(hand_over)>;

/// Where a rank's answers go: the conductor, or whoever stands in between.
using rank_sink = caf::typed_actor< //
    caf::result<void>(convened),    //
    caf::result<void>(mustered),    //
    caf::result<void>(advanced),    //
    caf::result<void>(assessed),    //
    caf::result<void>(handed),      //
    caf::result<void>(broken)>;

/// To the conductor: a rank that may take part, of this process (no node) or of
/// a node's. It is watched: its end is that of all its ranks.
struct seated {
  rank_actor who; ///< of all ranks of a node, if it is one
  std::string node;
  std::uint32_t lane = 0; ///< of the node's ranks
};

/// To the conductor: start, or go on. Answered when the run has ended.
struct begin {
  std::vector<rank_actor> ranks; ///< of this process
  scribe record;
  std::vector<observer> observers; ///< beside the scribe
};

/// To the conductor: this rank, or all of a node's, take part no more. Answered
/// once none of them is waited for.
struct rank_gone {
  rank_actor who;
  std::string why;
};

template <class Inspector>
bool inspect(Inspector& f, start_over&) {
  return refuse_to_serialise(f, "troupe::parallel::start_over");
}
template <class Inspector>
bool inspect(Inspector& f, seated&) {
  return refuse_to_serialise(f, "troupe::parallel::seated");
}
template <class Inspector>
bool inspect(Inspector& f, begin&) {
  return refuse_to_serialise(f, "troupe::parallel::begin");
}
template <class Inspector>
bool inspect(Inspector& f, rank_gone&) {
  return refuse_to_serialise(f, "troupe::parallel::rank_gone");
}

/// Has a mesh of ranks make a run's steps, by a rule: who takes part, how far
/// they go, when they score and what is stored; never computes.
using conductor = rank_sink::extend<        //
    caf::result<run_report>(begin),         // answered when the run has ended
    caf::result<void>(seated),              //
    caf::result<void>(rank_gone),           //
    caf::result<void>(stored),              //
    caf::result<void>(storage_failed),      //
    caf::result<void>(facts::node_joined),  //
    caf::result<void>(facts::node_left),    //
    caf::result<void>(facts::node_changed), //
    caf::result<void>(facts::node_serves),  //
    caf::result<void>(facts::node_refused), //
    caf::result<void>(facts::fingerprint_mixed), //
    caf::result<void>(interrupt),                //
    caf::result<void>(tick)>;

template <class Inspector>
bool inspect(Inspector& f, convene& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("seat", x.seat),
      f.field("ranks", x.ranks), f.field("opens", x.opens),
      f.field("lane", x.lane));
}
template <class Inspector>
bool inspect(Inspector& f, convened& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("seat", x.seat),
      f.field("has_state", x.has_state), f.field("step", x.step),
      f.field("at", x.at));
}
template <class Inspector>
bool inspect(Inspector& f, muster& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("seat", x.seat),
      f.field("rank", x.rank), f.field("ranks", x.ranks), f.field("at", x.at),
      f.field("root", x.root), f.field("step", x.step),
      f.field("from_seed", x.from_seed), f.field("parameters", x.parameters),
      f.field("blocks", x.blocks));
}
template <class Inspector>
bool inspect(Inspector& f, mustered& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("seat", x.seat));
}
template <class Inspector>
bool inspect(Inspector& f, advance& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("seat", x.seat),
      f.field("first", x.first), f.field("last", x.last));
}
template <class Inspector>
bool inspect(Inspector& f, advanced& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("seat", x.seat),
      f.field("last", x.last), f.field("samples", x.samples),
      exactly(f, "loss", x.loss), exactly(f, "seconds", x.seconds),
      exactly(f, "computing", x.computing), f.field("bytes", x.bytes),
      exactly(f, "cpu_seconds", x.cpu_seconds));
}
template <class Inspector>
bool inspect(Inspector& f, assess& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("seat", x.seat),
      f.field("step", x.step));
}
template <class Inspector>
bool inspect(Inspector& f, assessed& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("seat", x.seat),
      f.field("step", x.step), f.field("sums", x.sums),
      exactly(f, "cpu_seconds", x.cpu_seconds));
}
template <class Inspector>
bool inspect(Inspector& f, hand_over& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("seat", x.seat),
      f.field("step", x.step));
}
template <class Inspector>
bool inspect(Inspector& f, handed& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("seat", x.seat),
      f.field("step", x.step), f.field("parameters", x.parameters),
      f.field("blocks", x.blocks));
}
template <class Inspector>
bool inspect(Inspector& f, broken& x) {
  return f.object(x).fields(f.field("epoch", x.epoch), f.field("seat", x.seat),
      f.field("step", x.step), f.field("blames", x.blames),
      f.field("why", x.why), f.field("fatal", x.fatal));
}

} // namespace troupe::parallel
