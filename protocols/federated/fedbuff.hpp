#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocols/federated/decisions.hpp"
#include "protocols/federated/handover.hpp"
#include "protocols/federated/lease_book.hpp"
#include "protocols/federated/phase.hpp"
#include "protocols/federated/roster.hpp"
#include "protocols/federated/selection.hpp"

namespace troupe::federated {

/// Buffered asynchronous aggregation (Nguyen et al. 2022, FedBuff).
/// `concurrency` leases are out at any time; a version is published after every
/// `buffer` accepted updates. An update of staleness s weighs 1/sqrt(1 + s) /
/// buffer (or, by samples, n_k over the mean n in place of 1), its share being
/// the same without the discount; one staler than `max_staleness` is dropped. A
/// client is leased at most once a version; one whose lease is lost gets
/// another, of the version that is out now. When nobody else can fill the
/// buffer, what is there is published. min_updates is a floor under `buffer`.
///
/// version() is the one onto which the open buffer will be added. It moves when
/// the rule decides to publish, so an update that comes while the new version
/// is being made is stale by one. Leases are made from versions that are out,
/// so none are made meanwhile; a buffer that fills meanwhile is published next,
/// with all that it holds. Leases too stale to count are revoked at once.
///
/// A *round* is one open buffer. One that can get no further with fewer than
/// min_updates is skipped: what it holds is void, the version stays, and
/// everybody may be leased again. It counts towards `settings::rounds`, so that
/// the run ends. When every client that is there failed in it, the run ends.
///
/// What is published depends on the order of arrival: a run repeats from its
/// recorded history, not from its seed alone.
///
/// Where leases are kept, a state is saved as a version is asked for alone, and
/// a start behind it goes on with its open leases. Clients are then drawn from
/// (seed, round).
///
/// A state is saved together with the accumulator, or when a version is asked
/// for: then it goes with that version's parameters and an empty accumulator.
class fedbuff {
public:
  /// How a topology asks for it. Which updates make a version depends on who is
  /// done first, so that a seed alone does not repeat a run: its journal does
  /// (`troupe audit DIR --retrain`).
  struct options {
    std::uint64_t buffer = 10;
    std::uint64_t concurrency = 20;
    std::uint64_t max_staleness = 20;
    std::string weighting = "uniform"; ///< or "samples"
    std::uint64_t min_updates = 1;
  };

  fedbuff() = default;
  /// `buffer` and `concurrency` are at least 1.
  fedbuff(settings common, std::uint64_t buffer, std::uint64_t concurrency,
      std::uint64_t max_staleness);

  // As `decides` promises.
  void join(
      client_id client, std::uint64_t samples, instant now, decisions& out);
  void leave(client_id client, instant now, decisions& out);
  void begin(std::uint64_t incarnation, instant now, decisions& out);
  verdict arrive(const arrival& update, instant now, decisions& out);
  void fail(lease_id lease, instant now, decisions& out);
  void requeue(lease_id lease, instant now, decisions& out);
  void retract(lease_id lease, instant now, decisions& out);
  void published(instant now, decisions& out);
  void wake(instant now, decisions& out);
  void discard() noexcept;

  version_id version() const noexcept { return version_; }
  std::uint64_t round() const noexcept;
  std::uint64_t accepted() const noexcept { return accepted_; }
  std::uint64_t buffered() const noexcept { return buffered_; }
  double share(lease_id lease) noexcept;
  std::uint64_t outstanding() const noexcept { return book_.outstanding(); }
  const settings& common() const noexcept { return common_; }
  void rounds(std::uint64_t total) noexcept;

  // As `succeeds` promises. Open leases go on, with the shares of this rule.
  handover hand_over() const;
  void take_over(handover what, decisions& out);

  template <class Inspector>
  friend bool inspect(Inspector& f, fedbuff& x) {
    const auto keeps = x.common_.keeps_leases;
    if constexpr (Inspector::is_loading)
      x = fedbuff{};
    const auto done = f.object(x).fields(f.field("common", x.common_),
        f.field("buffer", x.buffer_), f.field("concurrency", x.concurrency_),
        f.field("max_staleness", x.max_staleness_),
        f.field("version", x.version_), f.field("closed", x.closed_),
        f.field("accepted", x.accepted_), f.field("buffered", x.buffered_),
        f.field("spent", x.spent_));
    x.common_.keeps_leases = keeps;
    return done && (!keeps || f.object(x).fields(f.field("leases", x.book_),
                                  f.field("eligible", x.eligible_)));
  }

private:
  std::uint64_t open_round() const noexcept { return closed_ + 1; }
  std::uint64_t needed() const noexcept;
  double share_of(client_id client) const noexcept;
  bool everyone_failed() const noexcept;
  void go_on_with_leases();
  void draw_anew(std::uint64_t key) noexcept;
  void offer(client_id client);
  void release(client_id client);
  void hand_out(client_id client, decisions& out);
  bool end_lease(lease_id lease);
  void revoke(version_id oldest, lease_state how, decisions& out);
  void fill(decisions& out);
  void settle(decisions& out);
  void publish(decisions& out);
  void skip(decisions& out);
  void close_round();
  void finish(ending how, decisions& out);

  settings common_;
  std::uint64_t buffer_ = 1;
  std::uint64_t concurrency_ = 1;
  std::uint64_t max_staleness_ = 0;
  version_id version_ = 0;
  std::uint64_t closed_ = 0;     // rounds published or skipped
  std::uint64_t accepted_ = 0;   // into versions asked for
  std::uint64_t buffered_ = 0;   // into the open buffer
  std::vector<client_id> spent_; // leased in the open round and buffered

  // What follows does not outlive the process, but where leases are kept: then
  // the book and the pool do.
  phase phase_ = phase::idle;
  roster clients_;
  pool eligible_;               // there, no lease out, none this round
  std::vector<client_id> used_; // leased in the open round, no lease out
  lease_book book_;
  gpu::random_stream random_{0}; // draws clients
};

} // namespace troupe::federated

namespace troupe {
using fedbuff = federated::fedbuff::options;
} // namespace troupe
