#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <caf/type_id.hpp>

#include "gpu/aggregation/variate_step.hpp"
#include "protocols/federated/drop_reason.hpp"
#include "protocols/ids.hpp"

namespace troupe {

/// Everything that happens is a fact: typed, timed and numbered. The journal,
/// the metrics, the progress line and the tests read this one stream.
namespace facts {

/// What a run learns from, by content: SHA-256 digests in hexadecimal digits.
/// All empty: unknown, of a run from before they were taken.
struct provenance {
  std::string features; ///< of all clients
  std::string labels;
  std::string test_features;
  std::string test_labels;
  std::string initial; ///< parameters; empty: drawn from the seed

  bool known() const noexcept { return !features.empty(); }
};

/// What a process says of the run that it began or took up.
struct run_header {
  std::string name;
  std::string rule; ///< its name: "fedavg"
  std::string fingerprint;
  std::uint64_t seed = 0;
  std::uint64_t clients = 0;
  std::uint64_t parameters = 0;
  std::uint64_t slots = 0;
  std::uint64_t rounds = 0;      ///< to do in all: rounds, or versions
  std::uint64_t incarnation = 0; ///< 0: a fresh start
  version_id version = 0;        ///< taken up from
  std::uint64_t updates = 0;     ///< in all versions up to that one
  version_id best_version = 0;   ///< of those scored before; 0: none was
  double best_accuracy = 0.0;
  provenance from{};
  std::string unit = "round"; ///< of `rounds`: "round", "version" or "step"
  std::string sha256{};       ///< of the parameters that it goes on from
  bool promises_bits = true; ///< false: it was computed by several fingerprints
  std::uint64_t batch = 0;   ///< samples of a step, over all ranks

  /// Ranks make steps together: versions are steps, updates samples, and slots
  /// ranks.
  bool of_mesh() const noexcept { return unit == "step"; }
};

/// A process began or took up a run. Large and rare, so it is held apart: a
/// fact is as large as the largest of its kinds.
class run_started {
public:
  run_started() : run_started(run_header{}) {}
  run_started(run_header what)
      : header_(std::make_shared<const run_header>(std::move(what))) {}

  const run_header& operator*() const noexcept { return *header_; }
  const run_header* operator->() const noexcept { return header_.get(); }

private:
  std::shared_ptr<const run_header> header_;
};

/// The facts numbered [first, last] came after the state that the run was
/// resumed from: they describe work that is void.
struct voided {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  version_id version = 0; ///< resumed from
};

struct round_started {
  std::uint64_t round = 0;
  std::uint64_t cohort = 0; ///< clients leased
  version_id base = 0;
};

struct leased {
  lease_id lease = 0;
  client_id client = 0;
  version_id base = 0;
};

struct accepted {
  lease_id lease = 0;
  client_id client = 0;
  version_id base = 0;
  std::uint64_t staleness = 0;
  std::uint64_t samples = 0; ///< processed in training
  std::uint64_t steps = 0;
  double weight = 0.0;
  double share = 0.0;
  double loss = 0.0;
  double seconds = 0.0; ///< training alone, wall time
  bool mixed = false;   ///< base - current was added to its delta
  /// Its node had trained it before, for the process that this one goes on
  /// from, and kept it.
  bool handed_in = false;
  std::uint32_t work = 0;     ///< as it was granted; 0: the recipe's own
  std::uint64_t checksum = 0; ///< linear, of the integers that it added
  double drift = 0.0;         ///< its weight in the server's variate
};

struct dropped {
  lease_id lease = 0;
  client_id client = 0;
  version_id base = 0;
  federated::drop_reason why = federated::drop_reason::none;
  std::uint64_t staleness = 0;
};

/// A client's training failed: the learner threw, lost its loss to NaN, or
/// overran its lease.
struct client_failed {
  lease_id lease = 0;
  client_id client = 0;
  std::string why;
  std::string code{}; ///< the errc's name; empty in old journals
};

/// A lease was taken back without fault of its client.
struct requeued {
  lease_id lease = 0;
  client_id client = 0;
};

/// A lease was given up by the rule: whatever comes of it does not count.
struct revoked {
  lease_id lease = 0;
  client_id client = 0;
  bool overdue = false; ///< its round's deadline was over
};

struct round_skipped {
  std::uint64_t round = 0;
  std::uint64_t accepted = 0;
  std::uint64_t needed = 0;
};

struct published {
  version_id version = 0;
  std::uint64_t round = 0;
  std::uint64_t updates = 0;       ///< in this version
  std::uint64_t total_updates = 0; ///< in all versions so far
  double loss = 0.0;               ///< mean training loss over its updates
  double seconds = 0.0;            ///< since the version before
  double scale = 1.0;         ///< of the mean, beside the server's own rate
  double weight = 0.0;        ///< of all that was summed up
  double share = 0.0;         ///< likewise: what the sum is divided by
  std::uint64_t checksum = 0; ///< linear, of the sum's integers
  double clock = 0.0; ///< seconds on the virtual clock; 0 in order of arrival
  gpu::variate_step variate{}; ///< of the server's, if it keeps one
};

struct evaluated {
  version_id version = 0;
  std::uint64_t samples = 0;
  double loss = 0.0;
  double accuracy = 0.0;
  double seconds = 0.0; ///< from request to result
};

/// The version and all that led to it survive any crash from here on.
struct stored {
  version_id version = 0;
  std::string sha256; ///< of the parameters' bytes
  double seconds = 0.0;
  std::string before{}; ///< that of the one stored before, or gone on from
};

/// A learner did not return after its stop token was set: that of the client,
/// or whatever `why` says. A slot that died is lost, too, for that reason.
struct slot_lost {
  slot_id slot = 0;
  client_id client = 0; ///< where there is no `why`
  lease_id lease = 0;   ///< likewise
  std::string why{};
};

struct run_ended {
  std::string outcome; ///< completed, target_reached, interrupted, failed
  std::string why;     ///< of a failure
  version_id version = 0;
};

/// A lost slot's learner returned after all: the slot is used again.
struct slot_returned {
  slot_id slot = 0;
};

/// A client takes part from here on, or does so again.
struct client_joined {
  client_id client = 0;
  std::uint64_t samples = 0;
  std::string identity{}; ///< a resident's, for as long as the run lasts
  std::string key{};      ///< that it goes by; empty: in the clear
};

/// It does not any more; what it was leased is void.
struct client_left {
  client_id client = 0;
  std::string why{}; ///< empty: it said so
};

/// So many more slots to train at, numbered from this one on.
struct slot_joined {
  slot_id slot = 0;
  std::uint64_t count = 1;
};

/// A slot has finished what it had, and takes no more.
struct slot_left {
  slot_id slot = 0;
};

/// The run stands still until they come.
struct waiting {
  std::string needs; ///< "clients", "nodes", "compute slots"
  std::uint64_t have = 0;
  std::uint64_t wanted = 0;
  std::string whom{}; ///< who were there, and are gone
};

/// A node of the cluster takes part: its slots come next.
struct node_joined {
  std::string name;
  std::uint64_t epoch = 0; ///< of the membership
  std::uint64_t slots = 0;
  std::string address{};
};

/// It does not any more.
struct node_left {
  std::string name;
  std::uint64_t epoch = 0;
  std::string why{};
  bool lost = false; ///< it was killed, silent or thrown out
  /// Seconds from its last sign of life until it was lost; 0: unknown.
  double silence = 0.0;
};

/// A node has come into this state, and now so many are in each.
struct node_changed {
  std::string name;
  std::string state{}; ///< joining, member, draining, left or lost
  std::uint64_t epoch = 0;
  std::uint32_t joining = 0;
  std::uint32_t members = 0;
  std::uint32_t draining = 0;
  std::uint32_t left = 0; ///< and known, since they may come back
  std::uint32_t lost = 0; ///< likewise
};

/// A node that takes part serves its own figures.
struct node_serves {
  std::string name;
  std::string metrics{}; ///< HOST:PORT, as the node says it
};

/// Somebody is not let in as a node, or goes before it takes part.
struct node_refused {
  std::string name;     ///< by what it says; its address where it says none
  std::string reason{}; ///< one word: `membership::reason`
  std::string why{};
};

/// It takes part and computes by another numeric fingerprint: no bits are
/// promised from here on.
struct fingerprint_mixed {
  std::string node;
  std::string fingerprint;
};

/// What the run stood still for is there.
struct went_on {
  std::string needs; ///< as in `waiting`
};

/// Behind this version another rule decides, or the same by other keys.
struct rule_changed {
  version_id version = 0;
  std::string rule;     ///< its name from now on
  std::string settings; ///< "federation.rule=fedbuff federation.buffer=10"
  std::string why{};    ///< what brought it about: "asked", "version 12"
};

/// So many ranks make the steps from this one on, together.
struct mesh_formed {
  std::uint64_t epoch = 0;
  std::uint64_t ranks = 0;
  std::uint64_t step = 0; ///< made before
  double seconds = 0.0;   ///< since the last one was at its end, or the start
  std::string nodes{};    ///< "this process: 2, b: 1"
  std::string why{};      ///< the last one is no more
};

/// A rank takes part no more, or cannot.
struct rank_lost {
  std::uint64_t epoch = 0;
  std::uint64_t rank = 0;
  std::uint64_t step = 0; ///< made by then
  std::string node{};     ///< empty: this process
  std::string why{};
};

/// The steps (first, last] have been made, by all ranks. No ranks: those who
/// were to tell more of them are gone.
struct stepped {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t epoch = 0;
  std::uint64_t ranks = 0;
  std::uint64_t samples = 0; ///< over all ranks
  double loss = 0.0;         ///< mean over these samples
  double seconds = 0.0;      ///< wall time, of the slowest rank
  double computing = 0.0;    ///< of that, mean over ranks
  std::uint64_t bytes = 0;   ///< sent between ranks
};

template <class Inspector>
bool inspect(Inspector& f, node_joined& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("epoch", x.epoch),
      f.field("slots", x.slots), f.field("address", x.address));
}
template <class Inspector>
bool inspect(Inspector& f, node_left& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("epoch", x.epoch),
      f.field("why", x.why), f.field("lost", x.lost),
      f.field("silence", x.silence));
}
template <class Inspector>
bool inspect(Inspector& f, node_changed& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("state", x.state),
      f.field("epoch", x.epoch), f.field("joining", x.joining),
      f.field("members", x.members), f.field("draining", x.draining),
      f.field("left", x.left), f.field("lost", x.lost));
}
template <class Inspector>
bool inspect(Inspector& f, node_serves& x) {
  return f.object(x).fields(
      f.field("name", x.name), f.field("metrics", x.metrics));
}
template <class Inspector>
bool inspect(Inspector& f, node_refused& x) {
  return f.object(x).fields(f.field("name", x.name),
      f.field("reason", x.reason), f.field("why", x.why));
}
template <class Inspector>
bool inspect(Inspector& f, fingerprint_mixed& x) {
  return f.object(x).fields(
      f.field("node", x.node), f.field("fingerprint", x.fingerprint));
}

} // namespace facts

struct fact {
  std::uint64_t number = 0; ///< 1, 2, 3… over the whole run
  instant at{};
  std::variant<facts::run_started, facts::voided, facts::round_started,
      facts::leased, facts::accepted, facts::dropped, facts::client_failed,
      facts::requeued, facts::round_skipped, facts::published, facts::evaluated,
      facts::stored, facts::slot_lost, facts::run_ended, facts::slot_returned,
      facts::client_joined, facts::client_left, facts::slot_joined,
      facts::slot_left, facts::waiting, facts::node_joined, facts::node_left,
      facts::node_changed, facts::node_serves, facts::node_refused,
      facts::revoked, facts::fingerprint_mixed, facts::went_on,
      facts::rule_changed, facts::mesh_formed, facts::rank_lost, facts::stepped>
      what;
};

/// A few facts in a row, shared by all who read them.
struct fact_batch {
  std::shared_ptr<const std::vector<fact>> facts;
};

} // namespace troupe
