#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitoring/lease_ledger.hpp"
#include "monitoring/occasions.hpp"
#include "monitoring/pace.hpp"
#include "protocols/facts.hpp"

namespace troupe::monitoring {

/// A line that stays on the screen.
struct remark {
  std::string text;
  bool error = false; ///< said even when quiet
};

/// Puts a run into words for a person who waits for it. A value that knows no
/// clock and no terminal: time is that of the latest fact.
///
/// An evaluation is told with the updates in the version that it is about; the
/// run may be past that version by then.
///
///     fashion: fedavg, 100 clients, 50 rounds, 199,210 parameters, 2 slots
///     version 10/50  accuracy 0.7812  loss 0.6123  100 updates  ...
///     client 17 failed: loss is nan
///     completed: version 50  accuracy 0.8412  ...
///
/// Of a mesh it counts steps and ranks:
///
///     mlp: all_reduce, 2 ranks, 300 steps of 64 samples, 199,210 parameters
///     step 100/300  accuracy 0.7705  loss 0.6471  412 steps/s  eta 00:12
///     rank 1 is lost behind step 120: it has died
///     1 rank goes on from step 120, 0.03 s later
///
/// Of failures, skipped rounds and refused nodes, `occasions` are told.
class progress_line {
public:
  /// Takes in a fact and appends what must be said about it.
  void hear(const fact& f, std::vector<remark>& out);

  /// The state of things in at most `width` columns. What matters least goes
  /// first when there is little room; a bar fills what is left over.
  std::string live(std::size_t width) const;

  bool running() const noexcept { return running_; }
  instant now() const noexcept { return now_; }

private:
  using remarks = std::vector<remark>;

  void on(const facts::run_started& what, remarks& out);
  void on(const facts::round_started& f, remarks& out);
  void on(const facts::leased& f, remarks& out);
  void on(const facts::accepted& f, remarks& out);
  void on(const facts::dropped& f, remarks& out);
  void on(const facts::client_failed& f, remarks& out);
  void on(const facts::requeued& f, remarks& out);
  void on(const facts::revoked& f, remarks& out);
  void on(const facts::round_skipped& f, remarks& out);
  void on(const facts::published& f, remarks& out);
  void on(const facts::evaluated& f, remarks& out);
  void on(const facts::slot_lost& f, remarks& out);
  void on(const facts::slot_returned& f, remarks& out);
  void on(const facts::run_ended& f, remarks& out);
  void on(const facts::client_joined& f, remarks& out);
  void on(const facts::client_left& f, remarks& out);
  void on(const facts::slot_joined& f, remarks& out);
  void on(const facts::slot_left& f, remarks& out);
  void on(const facts::waiting& f, remarks& out);
  void on(const facts::node_joined& f, remarks& out);
  void on(const facts::node_left& f, remarks& out);
  void on(const facts::node_changed& f, remarks& out);
  void on(const facts::node_refused& f, remarks& out);
  void on(const facts::node_serves&, remarks&) {}
  void on(const facts::fingerprint_mixed& f, remarks& out);
  void on(const facts::went_on& f, remarks& out);
  void on(const facts::rule_changed& f, remarks& out);
  void on(const facts::voided&, remarks&) {}
  void on(const facts::stored&, remarks&) {}
  void on(const facts::mesh_formed& f, remarks& out);
  void on(const facts::rank_lost& f, remarks& out);
  void on(const facts::stepped& f, remarks& out);

  void close_round(std::uint64_t round);
  std::string slots_left() const;
  std::string introduction() const;
  std::string_view version_word() const noexcept;
  std::string_view update_word() const noexcept;
  std::string version_of_all(version_id version) const;
  std::uint64_t take_updates_in(version_id version);
  std::string clients() const;
  std::string rate_of_work(double a_second) const;
  std::string who_works() const;
  std::string losses() const;
  std::string result() const;
  std::optional<double> speed() const;
  std::optional<double> seconds_left() const;
  std::optional<double> seconds_of_steps_left() const;
  double part_done() const;

  facts::run_header run_;
  bool running_ = false;
  instant now_{};
  instant started_{};
  instant round_began_{};

  version_id version_ = 0;
  std::uint64_t rounds_done_ = 0;
  std::uint64_t cohort_ = 0;
  std::uint64_t cohort_done_ = 0;
  std::uint64_t accepted_ = 0;                     ///< since the start
  std::uint64_t updates_ = 0;                      ///< in the model
  std::map<version_id, std::uint64_t> updates_in_; ///< versions not yet scored
  std::uint64_t slots_lost_ = 0;
  std::optional<std::uint64_t> nodes_; ///< that take part; none: no cluster
  double training_loss_ = 0.0;
  std::optional<facts::evaluated> last_;
  struct best_version {
    version_id version = 0;
    double accuracy = 0.0;
  };
  std::optional<best_version> best_;
  lease_ledger ledger_;
  pace pace_;               ///< of steps, in a mesh
  pace wall_pace_;          ///< of steps, with all that comes between them
  std::uint64_t ranks_ = 0; ///< together now
  std::string lost_for_;    ///< why the last rank was
  occasions failures_;
  occasions skipped_;
  occasions refused_;
};

} // namespace troupe::monitoring
