#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocols/federated/chooser.hpp"
#include "protocols/federated/deadline.hpp"
#include "protocols/federated/decisions.hpp"
#include "protocols/federated/handover.hpp"
#include "protocols/federated/lease_book.hpp"
#include "protocols/federated/local_steps.hpp"
#include "protocols/federated/phase.hpp"
#include "protocols/federated/roster.hpp"
#include "protocols/federated/round_size.hpp"
#include "protocols/federated/round_variate.hpp"
#include "protocols/fields.hpp"

namespace troupe::federated {

/// Federated averaging, synchronous rounds (McMahan et al. 2017, Algorithm 1).
/// A round wants n updates and leases m clients, as `size_of_round` has it,
/// drawn from (seed, round), and by what is known of them where a `chooser`
/// goes by that. Shares are fixed then, n_k / n over the cohort (or 1/m),
/// whoever was likely to be drawn; what is published is divided by the shares
/// of those that counted, so that these weigh n_k over their own sum.
///
/// It publishes once n updates are accepted, or min_updates where that is more;
/// once its `deadline` is over, as soon as min_updates are: with fewer it waits
/// on. What is out then is revoked: its client has not failed, and may be
/// leased in the next round; what it sends after all is late. An update that
/// takes exactly the deadline is in time; it counts from the start of the
/// round, for a lease that was lost and given anew, too. Before that its
/// clients may be asked for what they have (`options::partial`). Once all but
/// the last few updates that it wants are in, it leases as many other clients
/// (`options::backups`): what comes first counts (backup tasks, Dean and
/// Ghemawat 2004, section 3.6, but of other clients: each has its own data).
/// When every lease of the round has ended before, it publishes with at least
/// min_updates, and is skipped otherwise.
///
/// Where clients train by "fednova", this is that (Wang et al. 2020): an update
/// d_k whose steps amount to a_k (`training::amount_of`) weighs its share /
/// a_k, and the mean is scaled by the mean of the a_k, so that a version moves
/// by
///
///     sum_k p_k a_k x sum_k p_k d_k / a_k
///
/// with p_k = n_k / n over those that counted: clients that do more steps do
/// not pull more. A weight is at most its share, and off by 2^-51 on its grid:
/// a relative error below 1e-6 while a_k / p_k is below 2e9. Where they keep
/// control variates, it says how the server's moves (`round_variate`).
///
/// The cohort is a function of seed, round, who is there and what a chooser
/// knows, never of the order in which they joined; a client that joins may be
/// leased from the next round on. One whose lease is lost gets another of the
/// same weight, unless that closes the round. A state saved in the middle of a
/// round runs that round again from its start: what it had accepted is void. A
/// round in which every lease failed ends the run; one in which some client
/// left instead does not.
class fedavg {
public:
  /// How a topology asks for it. One seed gives one model, as long as the same
  /// clients answer in time and rounds wait for all of them.
  struct options {
    double fraction = 0.1;
    std::string weighting = "samples"; ///< or "uniform"
    std::uint64_t min_updates = 1;
    double over_select = 1.0;  ///< times as many are leased as have to answer
    std::uint64_t backups = 0; ///< others, in case the last so many are slow
    double deadline = 0.0;     ///< seconds a round waits; 0: for all
    /// Or the median of the times that clients took, and so many MAD; 0: not.
    double deadline_median = 0.0;
    /// Part of a deadline after which a client sends what it has; 0: never.
    double partial = 0.0;
    /// Who is drawn: "uniform", "size", "power_of_choice" or "oort".
    std::string select = "uniform";
    std::uint64_t select_candidates = 0; ///< power_of_choice; 0: two a lease
    double select_explore = 0.9;         ///< oort, as all that follow
    double select_explore_decay = 0.98;
    double select_explore_least = 0.2;
    double select_penalty = 2.0;
    double select_clip = 0.95;
    double select_pacer = 0.2;
    std::uint64_t select_window = 20;
    std::uint64_t tiers = 1;          ///< a round draws from one of so many
    std::uint64_t tier_credits = 0;   ///< rounds that one may get; 0: any
    std::uint64_t tier_interval = 10; ///< rounds from one look back to the next
  };

  fedavg() = default;
  /// `fraction` in (0, 1], `over_select` from 1 up.
  fedavg(settings common, double fraction, double over_select = 1.0,
      deadline limit = {}, chooser who = {}, std::uint64_t backups = 0);

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
  void discard() noexcept {}

  version_id version() const noexcept { return version_; }
  std::uint64_t round() const noexcept;
  std::uint64_t accepted() const noexcept { return accepted_; }
  std::uint64_t buffered() const noexcept { return buffered_; }
  double share(lease_id lease) noexcept;
  std::uint64_t outstanding() const noexcept { return book_.outstanding(); }
  const settings& common() const noexcept { return common_; }
  void rounds(std::uint64_t total) noexcept;

  // As `succeeds` promises. What is open then is revoked: a round's updates
  // start from one version.
  handover hand_over() const;
  void take_over(handover what, decisions& out);

  template <class Inspector>
  friend bool inspect(Inspector& f, fedavg& x) {
    if constexpr (Inspector::is_loading)
      x = x.anew();
    const auto keeps = x.common_.keeps_leases;
    const auto varies = x.variate_.kept();
    const auto remembers = x.chooser_.remembers();
    return f.object(x).fields(f.field("common", x.common_),
               exactly(f, "fraction", x.fraction_),
               f.field("version", x.version_), f.field("closed", x.closed_),
               f.field("accepted", x.accepted_)) &&
           (!keeps || f.object(x).fields(f.field("times", x.deadline_))) &&
           (!varies || f.object(x).fields(f.field("variate", x.variate_))) &&
           (!remembers || f.object(x).fields(f.field("chooser", x.chooser_)));
  }

private:
  // Before it began. What a run's configuration says each time is not saved.
  fedavg anew() const {
    return {common_, fraction_, over_select_, deadline_.anew(), chooser_.anew(),
        backups_};
  }
  std::uint64_t needed() const noexcept;
  std::uint64_t enough(instant now) const noexcept;
  void open_round(instant now, decisions& out);
  void draw(std::uint64_t round, decisions& out);
  void limit(std::span<const client_id> cohort, decisions& out);
  void back_up(decisions& out);
  double share_of(client_id client) const;
  void hand_out(client_id client, double share, decisions& out);
  bool end_lease(lease_id lease);
  bool normalises() const { return common_.work.method == "fednova"; }
  double weigh(const arrival& update, double share);
  void settle(instant now, decisions& out);
  void publish(instant now, decisions& out);
  void skip(instant now, decisions& out);
  void finish(ending how, decisions& out);

  settings common_;
  double fraction_ = 1.0;
  double over_select_ = 1.0;
  std::uint64_t backups_ = 0;
  deadline deadline_;
  chooser chooser_;
  version_id version_ = 0;
  std::uint64_t closed_ = 0;   // rounds published or skipped
  std::uint64_t accepted_ = 0; // into versions
  round_variate variate_;

  // What follows does not outlive the process.
  phase phase_ = phase::idle;
  roster clients_;
  std::vector<client_id> eligible_; // ascending, unless it is out of date
  bool outdated_ = false;
  lease_book book_;
  mean_amount amounts_;         // of the open round; for FedNova
  round_size size_;             // of the open round
  instant opened_{};            // it was
  std::optional<instant> over_; // its deadline is, from then on
  instant send_by_{};           // its clients send what they have; 0: all
  std::uint64_t buffered_ = 0;  // accepted in the open round
  std::uint64_t failed_ = 0;    // in the open round
  std::uint64_t total_ = 1;     // samples, or clients, of its cohort
  std::uint64_t backing_ = 0;   // leased in it beside its cohort
  bool backed_ = false;
};

} // namespace troupe::federated

namespace troupe {
using fedavg = federated::fedavg::options;
} // namespace troupe
