#pragma once

#include <concepts>
#include <cstdint>

#include <caf/fwd.hpp>

#include "protocols/federated/decisions.hpp"

namespace troupe::federated {

/// What every rule promises. A rule decides who trains, whose update counts
/// with which weight, and when a version is published; synchronous and
/// asynchronous ones keep this one contract:
///
///     begin ──► grants ──► arrive | fail | requeue | wake ──► ... publish
///       ▲                                                        │
///       └──────────────────── published ◄── (the shard rounds) ──┘
///
/// It is a value: copy it, compare what it decides, save it with `inspect` when
/// a version is published. It knows no clock, thread, actor or file: `now` is
/// an argument. Every event appends to `decisions`, which the caller empties.
///
/// A client has one open lease at a time: what it was granted before has ended,
/// was lost, or stands in `revoked` of the same decisions.
///
/// - `join(client, samples, now, out)`, `leave(client, now, out)`: a client is
///   there and may be leased; or is gone, its open lease with it. Joining again
///   corrects its number of samples; one without samples is never leased where
///   samples weigh.
/// - `begin(incarnation, now, out)`: starts, or starts again behind a restored
///   state: leases that were out then are void. `incarnation` counts starts of
///   the run from 0. All clients that are there have joined before.
/// - `arrive(update, now, out)`: an update came in; `now` is its time of
///   arrival. Answers with what becomes of it.
/// - `fail(lease, now, out)`: the client failed this lease. Nothing happens if
///   it has ended.
/// - `requeue(lease, now, out)`: the lease was lost through no fault of its
///   client, which gets another one. Nothing happens if it has ended.
/// - `retract(lease, now, out)`: an accepted update turned out to be unusable;
///   it does not count, and its client failed. Once its version was asked for,
///   only accepted() changes.
/// - `published(now, out)`: the version asked for by `decisions::publish` is
///   out.
/// - `wake(now, out)`: the time of `decisions::wake` has come.
/// - `discard()`: what a restored accumulator held is lost: the open version
///   is empty. Before begin() only.
/// - `version()`: the last one published, or asked for. `round()`: the open
///   one, or the last one. `accepted()`: updates in versions; `buffered()`: in
///   none yet. `outstanding()`: leases that are out.
/// - `share(lease)`: what the update of an open lease weighs at most; 0 of any
///   other.
/// - `common()`: what it was told before it began. `rounds(total)` extends the
///   run; never shortens it below what is done.
/// - `inspect` covers what lasts beyond a restart: neither clients nor leases.
template <class R>
concept decides = std::copyable<R> && std::default_initializable<R> &&
    requires(R& r, const R& c, client_id client, lease_id lease,
        std::uint64_t n, instant now, const arrival& update, decisions& out,
        caf::binary_serializer& sink, caf::binary_deserializer& source) {
  r.join(client, n, now, out);
  r.leave(client, now, out);
  r.begin(n, now, out);
  { r.arrive(update, now, out) } -> std::same_as<verdict>;
  r.fail(lease, now, out);
  r.requeue(lease, now, out);
  r.retract(lease, now, out);
  r.published(now, out);
  r.wake(now, out);
  r.discard();
  r.rounds(n);
  { c.version() } -> std::same_as<version_id>;
  { c.round() } -> std::same_as<std::uint64_t>;
  { c.accepted() } -> std::same_as<std::uint64_t>;
  { c.buffered() } -> std::same_as<std::uint64_t>;
  { c.outstanding() } -> std::same_as<std::uint64_t>;
  { r.share(lease) } -> std::same_as<double>;
  { c.common() } -> std::convertible_to<settings>;
  { inspect(sink, r) } -> std::same_as<bool>;
  { inspect(source, r) } -> std::same_as<bool>;
};

} // namespace troupe::federated
