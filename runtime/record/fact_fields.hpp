#pragma once

#include <array>
#include <concepts>
#include <string_view>
#include <type_traits>
#include <variant>

#include "protocols/facts.hpp"

// The journal's grammar: each fact's name and fields, in the order in which
// they are written. Names are append-only, and fields that were `added` later
// may be missing: old journals stay readable.
namespace troupe::facts {

/// By index into `fact::what`.
inline constexpr std::array<std::string_view,
    std::variant_size_v<decltype(fact::what)>>
    names{"run_started", "voided", "round_started", "leased", "accepted",
        "dropped", "client_failed", "requeued", "round_skipped", "published",
        "evaluated", "stored", "slot_lost", "run_ended", "slot_returned",
        "client_joined", "client_left", "slot_joined", "slot_left", "waiting",
        "node_joined", "node_left", "node_changed", "node_serves",
        "node_refused", "revoked", "fingerprint_mixed", "went_on",
        "rule_changed", "mesh_formed", "rank_lost", "stepped"};

/// Facts of these kinds come in thousands: those that follow each other share
/// a line, with an array for every field.
template <class Fact>
inline constexpr bool shares_lines = false;
template <>
inline constexpr bool shares_lines<leased> = true;
template <>
inline constexpr bool shares_lines<accepted> = true;
template <>
inline constexpr bool shares_lines<dropped> = true;
template <>
inline constexpr bool shares_lines<revoked> = true;

/// A fact to read into or, constant, to write down.
template <class X, class Fact>
concept maybe_const = std::same_as<std::remove_const_t<X>, Fact>;

template <class V, maybe_const<run_header> X>
void fields(V& v, X& x) {
  v("name", x.name), v("rule", x.rule), v("fingerprint", x.fingerprint);
  v("seed", x.seed), v("clients", x.clients), v("parameters", x.parameters);
  v("slots", x.slots), v("rounds", x.rounds), v("incarnation", x.incarnation);
  v("version", x.version), v.added("updates", x.updates);
  v.added("best_version", x.best_version);
  v.added("best_accuracy", x.best_accuracy);
  v.added("features_sha256", x.from.features);
  v.added("labels_sha256", x.from.labels);
  v.added("test_features_sha256", x.from.test_features);
  v.added("test_labels_sha256", x.from.test_labels);
  v.added("initial_sha256", x.from.initial);
  v.added("unit", x.unit), v.added("sha256", x.sha256);
  v.added("promises_bits", x.promises_bits), v.added("batch", x.batch);
}
template <class V>
void fields(V& v, const run_started& x) {
  fields(v, *x);
}
template <class V>
void fields(V& v, run_started& x) {
  run_header read;
  fields(v, read);
  x = run_started{std::move(read)};
}
template <class V, maybe_const<voided> X>
void fields(V& v, X& x) {
  v("first", x.first), v("last", x.last), v("version", x.version);
}
template <class V, maybe_const<round_started> X>
void fields(V& v, X& x) {
  v("round", x.round), v("cohort", x.cohort), v("base", x.base);
}
template <class V, maybe_const<leased> X>
void fields(V& v, X& x) {
  v("lease", x.lease), v("client", x.client), v("base", x.base);
}
template <class V, maybe_const<accepted> X>
void fields(V& v, X& x) {
  v("lease", x.lease), v("client", x.client), v("base", x.base);
  v("staleness", x.staleness), v("samples", x.samples), v("steps", x.steps);
  v("weight", x.weight), v("share", x.share), v("loss", x.loss);
  v("seconds", x.seconds), v.added("mixed", x.mixed);
  v.added("handed_in", x.handed_in), v.added("work", x.work);
  v.added("checksum", x.checksum), v.added("drift", x.drift);
}
template <class V, maybe_const<dropped> X>
void fields(V& v, X& x) {
  v("lease", x.lease), v("client", x.client), v("base", x.base);
  v("why", x.why), v("staleness", x.staleness);
}
template <class V, maybe_const<client_failed> X>
void fields(V& v, X& x) {
  v("lease", x.lease), v("client", x.client), v("why", x.why);
  v.added("code", x.code);
}
template <class V, maybe_const<requeued> X>
void fields(V& v, X& x) {
  v("lease", x.lease), v("client", x.client);
}
template <class V, maybe_const<revoked> X>
void fields(V& v, X& x) {
  v("lease", x.lease), v("client", x.client);
  v.added("overdue", x.overdue);
}
template <class V, maybe_const<round_skipped> X>
void fields(V& v, X& x) {
  v("round", x.round), v("accepted", x.accepted), v("needed", x.needed);
}
template <class V, maybe_const<published> X>
void fields(V& v, X& x) {
  v("version", x.version), v("round", x.round), v("updates", x.updates);
  v("total_updates", x.total_updates), v("loss", x.loss);
  v("seconds", x.seconds), v.added("scale", x.scale);
  v.added("weight", x.weight), v.added("share", x.share);
  v.added("checksum", x.checksum), v.added("clock", x.clock);
  v.added("variate_keep", x.variate.keep);
  v.added("variate_gain", x.variate.gain);
}
template <class V, maybe_const<evaluated> X>
void fields(V& v, X& x) {
  v("version", x.version), v("samples", x.samples), v("loss", x.loss);
  v("accuracy", x.accuracy), v("seconds", x.seconds);
}
template <class V, maybe_const<stored> X>
void fields(V& v, X& x) {
  v("version", x.version), v("sha256", x.sha256), v("seconds", x.seconds);
  v.added("before", x.before);
}
template <class V, maybe_const<slot_lost> X>
void fields(V& v, X& x) {
  v("slot", x.slot), v("client", x.client), v("lease", x.lease);
  v.added("why", x.why);
}
template <class V, maybe_const<run_ended> X>
void fields(V& v, X& x) {
  v("outcome", x.outcome), v("why", x.why), v("version", x.version);
}

template <class V, maybe_const<slot_returned> X>
void fields(V& v, X& x) {
  v("slot", x.slot);
}
template <class V, maybe_const<client_joined> X>
void fields(V& v, X& x) {
  v("client", x.client), v("samples", x.samples);
  v.added("identity", x.identity), v.added("key", x.key);
}
template <class V, maybe_const<client_left> X>
void fields(V& v, X& x) {
  v("client", x.client), v("why", x.why);
}
template <class V, maybe_const<slot_joined> X>
void fields(V& v, X& x) {
  v("slot", x.slot), v.added("count", x.count);
}
template <class V, maybe_const<slot_left> X>
void fields(V& v, X& x) {
  v("slot", x.slot);
}
template <class V, maybe_const<waiting> X>
void fields(V& v, X& x) {
  v("needs", x.needs), v("have", x.have), v("wanted", x.wanted);
  v.added("whom", x.whom);
}
template <class V, maybe_const<node_joined> X>
void fields(V& v, X& x) {
  v("name", x.name), v("epoch", x.epoch), v("slots", x.slots);
  v("address", x.address);
}
template <class V, maybe_const<node_left> X>
void fields(V& v, X& x) {
  v("name", x.name), v("epoch", x.epoch), v("why", x.why), v("lost", x.lost);
  v.added("silence", x.silence);
}
template <class V, maybe_const<node_changed> X>
void fields(V& v, X& x) {
  v("name", x.name), v("state", x.state), v("epoch", x.epoch);
  v("joining", x.joining), v("members", x.members), v("draining", x.draining);
  v("left", x.left), v("lost", x.lost);
}
template <class V, maybe_const<node_serves> X>
void fields(V& v, X& x) {
  v("name", x.name), v("metrics", x.metrics);
}
template <class V, maybe_const<node_refused> X>
void fields(V& v, X& x) {
  v("name", x.name), v("reason", x.reason), v("why", x.why);
}
template <class V, maybe_const<fingerprint_mixed> X>
void fields(V& v, X& x) {
  v("node", x.node), v("fingerprint", x.fingerprint);
}
template <class V, maybe_const<went_on> X>
void fields(V& v, X& x) {
  v("needs", x.needs);
}
template <class V, maybe_const<rule_changed> X>
void fields(V& v, X& x) {
  v("version", x.version), v("rule", x.rule), v("settings", x.settings);
  v("why", x.why);
}
template <class V, maybe_const<mesh_formed> X>
void fields(V& v, X& x) {
  v("epoch", x.epoch), v("ranks", x.ranks), v("step", x.step);
  v("seconds", x.seconds), v("nodes", x.nodes), v("why", x.why);
}
template <class V, maybe_const<rank_lost> X>
void fields(V& v, X& x) {
  v("epoch", x.epoch), v("rank", x.rank), v("step", x.step);
  v("node", x.node), v("why", x.why);
}
template <class V, maybe_const<stepped> X>
void fields(V& v, X& x) {
  v("first", x.first), v("last", x.last), v("epoch", x.epoch);
  v("ranks", x.ranks), v("samples", x.samples), v("loss", x.loss);
  v("seconds", x.seconds), v("computing", x.computing), v("bytes", x.bytes);
}

} // namespace troupe::facts
