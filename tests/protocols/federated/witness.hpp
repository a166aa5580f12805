#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocols/federated/chooser.hpp"
#include "protocols/federated/lease_book.hpp"

namespace troupe::federated {

/// What is promised of a rule, as far as an observer has to know.
struct promise {
  bool rounds_are_synchronous = true; ///< fedavg; else fedbuff
  settings common;
  client_id clients = 1;
  double fraction = 1.0;           ///< fedavg
  double over_select = 1.0;        ///< fedavg
  std::uint64_t backups = 0;       ///< fedavg
  duration limit{};                ///< fedavg: of a round; 0: none
  double spread = 0.0;             ///< fedavg: its MADs above the median; 0
  chooser::options choice{};       ///< fedavg
  std::uint64_t buffer = 1;        ///< fedbuff
  std::uint64_t concurrency = 1;   ///< fedbuff, fedasync
  std::uint64_t max_staleness = 0; ///< fedbuff, fedasync
  double mixing = 0.0; ///< fedasync, which is fedbuff of one otherwise; else 0

  std::uint64_t needed() const noexcept;
  std::uint64_t samples(client_id client) const noexcept;
};

/// What a rule says of itself.
struct figures {
  version_id version = 0;
  std::uint64_t round = 0;
  std::uint64_t accepted = 0;
  std::uint64_t buffered = 0;
  std::uint64_t outstanding = 0;
};

template <class Rule>
figures figures_of(const Rule& r) {
  return {r.version(), r.round(), r.accepted(), r.buffered(), r.outstanding()};
}

/// Watches a rule from outside, told of every event, and keeps books of its own
/// in the plainest way. It holds the rule to these laws; the first breach is
/// kept as a sentence.
///
/// - The lease of a client that leaves is revoked, and no other that is not
/// out.
/// - A round leases as many clients as it says, counts as many as it wants and
/// revokes the rest; before, it revokes nothing until its deadline is over.
/// Then it has no patience beyond min_updates, and it is woken for that. Others
/// are leased once, and only for the last few that it wants.
/// - A run never stalls: unless it has ended or a version is being made, some
///   lease is out; an asynchronous rule leaves no place empty while a client
///   may be leased.
/// - A lease counts at most once, only for its client, and only while it is
///   out; a lease that is out always counts.
/// - Versions grow by one, only with a publication of all that counted; a fresh
///   update keeps its whole weight; shares of a version add up. Where models
///   are mixed all keep their weight, and a version has their mean rate.
/// - Lease ids are never used again; a lease starts from the version that is
///   out, for a client that is there, free, and not leased in this round.
/// - The run ends for the reason that it gives.
class witness {
public:
  explicit witness(promise what);

  /// What survives a restart.
  struct durable {
    version_id version = 0;
    std::uint64_t closed = 0;
    std::uint64_t published = 0;
    std::uint64_t counted = 0;
    double shares = 0.0;
    double rates = 0.0;
    std::vector<client_id> spent;
  };
  struct lease {
    lease_id id = 0;
    client_id client = 0;
    version_id base = 0;
    std::uint64_t round = 0;
    lease_state state = lease_state::open;
    double share = 0.0;
  };

  // Before the rule sees the event.
  void passes(instant now) noexcept { now_ = now; }
  void wakes() noexcept;
  void joins(client_id client);
  void leaves(client_id client);
  void fails(lease_id id);
  void requeues(lease_id id);
  void retracts(lease_id id);
  void publishes();
  void restarts(const durable& from, bool buffer_lost);
  // After it.
  void judged(const arrival& update, const verdict& said);
  void decided(const decisions& said, const figures& now);

  durable saved() const;
  const std::string& violation() const noexcept { return violation_; }
  bool running() const noexcept { return !end_ && violation_.empty(); }
  bool making_a_version() const noexcept { return pending_; }
  bool there(client_id client) const noexcept { return there_[client]; }
  std::uint64_t living() const noexcept;
  /// It did not count long ago.
  bool may_be_retracted(lease_id id);
  std::optional<ending> end() const noexcept { return end_; }
  version_id version() const noexcept { return version_; }

private:
  template <class... Parts>
  void breach(const Parts&... parts);
  lease* find(lease_id id);
  lease* find_open(lease_id id);
  std::uint64_t round() const noexcept { return closed_ + 1; }
  std::uint64_t enough() const noexcept;
  bool over() const noexcept;
  bool collecting() const noexcept { return begun_ && !end_ && !pending_; }
  void take(const lease& x);
  std::optional<duration> limit(const std::vector<grant>& grants) const;
  duration limit_of(std::vector<duration> times) const;
  bool may_be_leased(client_id client) const;
  bool leased_in_this_round(client_id client) const;

  void see_revoked(const std::vector<lease_id>& revoked);
  void see_closing(const decisions& said);
  void see_departed();
  void see_skipped(const std::vector<skipped_round>& skipped);
  void see(const publication& what);
  void see_shares(const publication& what);
  void see_scale(const publication& what);
  void see_grants(const std::vector<grant>& grants);
  void see(const grant& g);
  void see_cohort(const std::vector<grant>& grants);
  void see_backups(const std::vector<grant>& grants);
  double share_of(client_id client) const;
  bool everyone_failed() const;
  void see(ending how);
  void see_liveness();
  void see(const figures& now);
  void close(lease& x, lease_state how);
  void close_round();

  promise promise_;
  std::vector<bool> there_;
  std::vector<std::uint64_t> out_; // leases by client
  std::vector<lease> leases_;      // of this incarnation, ascending
  std::optional<lease_id> last_id_;
  std::vector<std::uint64_t> leased_in_;
  std::vector<bool> failed_; // the last lease
  std::uint64_t open_ = 0;
  version_id version_ = 0;
  std::uint64_t closed_ = 0;
  std::uint64_t published_ = 0;
  std::uint64_t counted_ = 0;
  double shares_ = 0.0;
  double rates_ = 0.0;
  std::vector<client_id> spent_;   // leased and counted in the open round
  std::vector<lease_id> departed_; // out when their client left just now
  std::vector<lease_id> given_up_; // by the rule, just now
  std::uint64_t drawn_ = 0;        // the round that cohort_ is about
  std::uint64_t cohort_ = 0;
  std::vector<client_id> others_; // leased beside it
  std::uint64_t wanted_ = 0;      // of the cohort
  instant now_{};
  instant opened_{};            // the round was
  std::optional<instant> over_; // its deadline is, from then on
  std::optional<instant> wake_; // it asked for
  bool closes_ = false;         // the rule may have seen that it has to close
  std::uint64_t opened_rounds_ = 0;
  struct time {
    std::uint64_t round = 0; // of opened_rounds_
    client_id client = 0;
    duration took{};
  };
  std::vector<time> times_;
  std::uint64_t cohort_samples_ = 0;
  std::uint64_t failures_ = 0; // leases that failed in the open round
  bool begun_ = false;
  bool pending_ = false;
  std::optional<ending> end_;
  // round -> who was there, and who was drawn
  std::map<std::uint64_t, std::pair<std::vector<bool>, std::vector<client_id>>>
      cohorts_;
  std::string violation_;
};

} // namespace troupe::federated
