#pragma once

#include <cstdint>
#include <vector>

#include "monitoring/figure_register.hpp"
#include "protocols/facts.hpp"

namespace troupe::monitoring {

/// Whose updates count: the part of `metrics` that tells how evenly clients
/// contribute. There is no figure a client, since there may be a million: who
/// it is stands in the journal.
///
/// Fairness is Jain's index (Jain, Chiu and Hawe 1984) of the clients' accepted
/// updates since the process began: 1 where all have as many, 1/n where one of
/// n has all.
class contribution_figures {
public:
  explicit contribution_figures(figure_register& to);

  void hear(const facts::run_started& what);
  void hear(const facts::client_joined& f);
  void hear(const facts::accepted& f);
  void flush();

private:
  std::uint32_t& of(client_id client);

  late_gauge contributors_, fairness_;
  std::vector<std::uint32_t> counts_; ///< by client
  std::uint64_t clients_ = 0;         ///< that have ever been there
  std::uint64_t some_ = 0;            ///< of these, with an update
  std::uint64_t sum_ = 0;
  double squares_ = 0.0;
};

} // namespace troupe::monitoring
