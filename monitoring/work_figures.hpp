#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "monitoring/figure_register.hpp"
#include "monitoring/lease_ledger.hpp"
#include "protocols/facts.hpp"

namespace troupe::monitoring {

/// Who trains and what comes of it: the part of `metrics` that tells of leases,
/// clients, compute slots and updates.
class work_figures {
public:
  explicit work_figures(figure_register& to);

  void hear(const facts::run_started& what);
  void hear(const facts::voided& f);
  void hear(const facts::leased& f);
  void hear(const facts::accepted& f);
  void hear(const facts::dropped& f);
  void hear(const facts::client_failed& f);
  void hear(const facts::requeued& f);
  void hear(const facts::revoked& f);
  void hear(const facts::slot_lost& f);
  void hear(const facts::slot_returned& f);
  void hear(const facts::slot_joined& f);
  void hear(const facts::slot_left& f);
  void hear(const facts::client_joined& f);
  void hear(const facts::client_left& f);
  void hear(const facts::stepped& f);
  void hear(const facts::run_ended& f);

  /// What has been heard since was the case up to now.
  void wait_until(instant now);
  void flush();

private:
  void flush_levels();

  late_gauge leases_outstanding_;
  late_gauge idle_clients_, leased_clients_;
  late_gauge busy_slots_, idle_slots_, lost_slots_;
  std::vector<count_tally> updates_; ///< by outcome
  count_tally samples_;
  count_tally steps_;
  count_tally leases_;
  count_tally requeued_;
  count_tally revoked_;
  count_tally overdue_;
  count_tally handed_in_;
  histogram_tally staleness_;
  histogram_tally training_seconds_;

  prometheus::Counter* idle_seconds_;

  lease_ledger ledger_;
  std::uint64_t idle_ = 0; ///< slots, at the last flush
  std::optional<instant> now_;
  std::uint64_t slots_ = 0;
  std::uint64_t slots_lost_count_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

} // namespace troupe::monitoring
