#pragma once

#include <cstdint>

#include <caf/fwd.hpp>
#include <caf/result.hpp>
#include <caf/typed_actor.hpp>

#include "gpu/device.hpp"
#include "protocols/ids.hpp"
#include "protocols/observer.hpp"
#include "protocols/type_ids.hpp"

// Who understands what. The messages are defined in the files named behind
// them; here they are only declared, since the handles refer to each other.
//
//                 seated_offer, revoke   train_task
//     ┌────────────┐ ────► ┌──────────┐ ──────────► ┌───────────┐
//     │ aggregator │       │ worker×n │             │ compute×s │
//     └────────────┘       └──────────┘             └───────────┘
//        │ ▲  │ ▲  ▲   (update_sink) update, failure │    ▲ │ part_begun,
//    add,│ │  │ │  └────────────────────────────────┘    │ │ evaluated_part
// publish│ │  │ │slot_scoring, scored       evaluate_task│ ▼
//        ▼ │  │ │  evaluate                         ┌───────────┐
//     ┌───────┐└─┴─────────────────────────────────► │ evaluator │
//     │ shard │                                      └───────────┘
//     └───────┘ added, published
//
// An accelerator stands in the place of the compute actors of its GPU's slots.

namespace troupe {

struct offer;          // protocols/training.hpp
struct seated_offer;   //
struct revoke;         //
struct state_stored;   //
struct train_task;     //
struct trained;        //
struct update;         //
struct failure;        //
struct device_reached; //
struct add;            // protocols/publication.hpp
struct added;          //
struct publish;        //
struct published;      //
struct discard;        //
struct evaluate;       // protocols/evaluation.hpp
struct evaluate_task;  //
struct evaluated_part; //
struct slot_gone;      //
struct slot_back;      //
struct slot_scoring;   //
struct part_begun;     //
struct scored;         //
struct store;          // protocols/storage.hpp
struct stored;         //
struct seal;           //
struct storage_failed; //
struct begin;          // protocols/run.hpp
struct run_report;     //
struct interrupt;      //
struct tick;           //
struct enrol;          // protocols/participation.hpp
struct leave;          //
struct lend;           //
struct withdraw;       //
struct slots_lent;     //
struct change_rule;    // protocols/federated/succession.hpp
struct changing_rule;  //
namespace facts {
struct node_joined;  // protocols/facts.hpp
struct node_left;    //
struct node_changed; //
struct node_serves;  //
struct node_refused; //
struct fingerprint_mixed;
} // namespace facts
struct retired; // below: keeps the id of a message that is no more

} // namespace troupe

// Append-only.
CAF_BEGIN_TYPE_ID_BLOCK(troupe_run, troupe::type_id_block(2))
CAF_ADD_TYPE_ID(troupe_run, (troupe::offer))
CAF_ADD_TYPE_ID(troupe_run, (troupe::train_task))
CAF_ADD_TYPE_ID(troupe_run, (troupe::update))
CAF_ADD_TYPE_ID(troupe_run, (troupe::failure))
CAF_ADD_TYPE_ID(troupe_run, (troupe::add))
CAF_ADD_TYPE_ID(troupe_run, (troupe::added))
CAF_ADD_TYPE_ID(troupe_run, (troupe::retired))
CAF_ADD_TYPE_ID(troupe_run, (troupe::publish))
CAF_ADD_TYPE_ID(troupe_run, (troupe::published))
CAF_ADD_TYPE_ID(troupe_run, (troupe::evaluate))
CAF_ADD_TYPE_ID(troupe_run, (troupe::evaluate_task))
CAF_ADD_TYPE_ID(troupe_run, (troupe::evaluated_part))
CAF_ADD_TYPE_ID(troupe_run, (troupe::slot_gone))
CAF_ADD_TYPE_ID(troupe_run, (troupe::scored))
CAF_ADD_TYPE_ID(troupe_run, (troupe::store))
CAF_ADD_TYPE_ID(troupe_run, (troupe::stored))
CAF_ADD_TYPE_ID(troupe_run, (troupe::seal))
CAF_ADD_TYPE_ID(troupe_run, (troupe::storage_failed))
CAF_ADD_TYPE_ID(troupe_run, (troupe::begin))
CAF_ADD_TYPE_ID(troupe_run, (troupe::run_report))
CAF_ADD_TYPE_ID(troupe_run, (troupe::interrupt))
CAF_ADD_TYPE_ID(troupe_run, (troupe::tick))
CAF_ADD_TYPE_ID(troupe_run, (troupe::discard))
CAF_ADD_TYPE_ID(troupe_run, (troupe::device_reached))
CAF_ADD_TYPE_ID(troupe_run, (troupe::part_begun))
CAF_ADD_TYPE_ID(troupe_run, (troupe::slot_scoring))
CAF_ADD_TYPE_ID(troupe_run, (troupe::slot_back))
CAF_ADD_TYPE_ID(troupe_run, (troupe::enrol))
CAF_ADD_TYPE_ID(troupe_run, (troupe::leave))
CAF_ADD_TYPE_ID(troupe_run, (troupe::lend))
CAF_ADD_TYPE_ID(troupe_run, (troupe::withdraw))
CAF_ADD_TYPE_ID(troupe_run, (troupe::slots_lent))
CAF_ADD_TYPE_ID(troupe_run, (troupe::seated_offer))
CAF_ADD_TYPE_ID(troupe_run, (troupe::revoke))
CAF_ADD_TYPE_ID(troupe_run, (troupe::facts::node_joined))
CAF_ADD_TYPE_ID(troupe_run, (troupe::facts::node_left))
CAF_ADD_TYPE_ID(troupe_run, (troupe::facts::node_changed))
CAF_ADD_TYPE_ID(troupe_run, (troupe::facts::node_serves))
CAF_ADD_TYPE_ID(troupe_run, (troupe::facts::node_refused))
CAF_ADD_TYPE_ID(troupe_run, (troupe::state_stored))
CAF_ADD_TYPE_ID(troupe_run, (troupe::facts::fingerprint_mixed))
CAF_ADD_TYPE_ID(troupe_run, (troupe::change_rule))
CAF_ADD_TYPE_ID(troupe_run, (troupe::changing_rule))
CAF_END_TYPE_ID_BLOCK(troupe_run)

namespace troupe {

struct retired {
  template <class Inspector>
  friend bool inspect(Inspector& f, retired& x) {
    return f.object(x).fields();
  }
};

/// One logical client: light, borrows a compute slot for each lease.
using worker = caf::typed_actor<     //
    caf::result<void>(seated_offer), //
    caf::result<void>(revoke)>;

/// Stands for a client whose node has its samples and its states.
using resident = worker::extend< //
    caf::result<void>(state_stored)>;

/// Where answers to an offer go: the aggregator, or whoever stands between it
/// and the client, on the way back.
using update_sink = caf::typed_actor< //
    caf::result<void>(update),        //
    caf::result<void>(failure)>;

/// Where answers to a part of the test set go: the evaluator, or whoever stands
/// between it and the slot.
using score_sink = caf::typed_actor< //
    caf::result<void>(part_begun),   //
    caf::result<void>(evaluated_part)>;

/// One slot of one device: owns a learner, trains and evaluates, never decides.
using compute = caf::typed_actor<  //
    caf::result<void>(train_task), //
    caf::result<void>(evaluate_task)>;

/// All slots of one GPU: trains the clients of its slots side by side.
using accelerator = compute::extend< //
    caf::result<void>(device_reached)>;

/// One place to train at. The slots of a GPU are lanes of one actor.
struct compute_slot {
  compute who;
  std::uint32_t lane = 0;
  gpu::device_kind kind = gpu::device_kind::cpu;
};

/// Decides through a rule who trains and what counts; never computes.
using aggregator = caf::typed_actor<        //
    caf::result<run_report>(begin),         // answered when the run has ended
    caf::result<void>(update),              //
    caf::result<void>(failure),             //
    caf::result<void>(added),               //
    caf::result<void>(published),           //
    caf::result<void>(slot_scoring),        //
    caf::result<void>(scored),              //
    caf::result<void>(stored),              //
    caf::result<void>(storage_failed),      //
    caf::result<void>(enrol),               //
    caf::result<void>(leave),               //
    caf::result<slot_id>(lend),             // the first of them
    caf::result<void>(withdraw),            // answered when the slot has left
    caf::result<void>(facts::node_joined),  //
    caf::result<void>(facts::node_left),    //
    caf::result<void>(facts::node_changed), //
    caf::result<void>(facts::node_serves),  //
    caf::result<void>(facts::node_refused), //
    caf::result<void>(facts::fingerprint_mixed), //
    caf::result<changing_rule>(change_rule),     // behind the next version
    caf::result<void>(interrupt),                //
    caf::result<void>(tick)>;

/// Owns a range of the parameters and their sums: adds updates, publishes
/// versions.
using shard = caf::typed_actor< //
    caf::result<void>(add),     //
    caf::result<void>(publish), //
    caf::result<void>(discard), //
    caf::result<void>(tick)>;

/// Scores versions on the test set, on compute slots.
using evaluator = caf::typed_actor<    //
    caf::result<void>(evaluate),       //
    caf::result<void>(part_begun),     //
    caf::result<void>(evaluated_part), //
    caf::result<void>(slot_gone),      //
    caf::result<void>(slot_back),      //
    caf::result<void>(slots_lent),     //
    caf::result<void>(interrupt),      //
    caf::result<void>(tick)>;

/// Whoever has a scribe make versions durable.
using author = caf::typed_actor< //
    caf::result<void>(stored),   //
    caf::result<void>(storage_failed)>;

/// Whoever hears which nodes take part.
using roll_reader = caf::typed_actor<       //
    caf::result<void>(facts::node_joined),  //
    caf::result<void>(facts::node_left),    //
    caf::result<void>(facts::node_changed), //
    caf::result<void>(facts::node_serves),  //
    caf::result<void>(facts::node_refused), //
    caf::result<void>(facts::fingerprint_mixed)>;

/// Whoever may have another rule take over.
using rule_keeper = caf::typed_actor< //
    caf::result<changing_rule>(change_rule)>;

/// Writes the run's directory: journal, history, checkpoints.
using scribe = caf::typed_actor<   //
    caf::result<void>(fact_batch), //
    caf::result<void>(store),      //
    caf::result<void>(seal)>;

} // namespace troupe
