#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "protocols/ids.hpp"
#include "protocols/time.hpp"

namespace troupe::simulation {

/// What a simulation comes to.
struct figures {
  double seconds = 0.0; ///< virtual
  std::uint64_t leases = 0;
  std::uint64_t updates = 0; ///< accepted
  double bytes_down = 0.0;   ///< of models that were lent
  double bytes_up = 0.0;     ///< of results that were sent
  double mean_staleness = 0.0;
  std::uint64_t max_staleness = 0;
  /// Places are as many as leases were ever open at once. The part of their
  /// time in which they had none; and in which they had one that came to
  /// nothing: it was given up, failed, got lost or was dropped.
  double idle = 0.0;
  double wasted = 0.0;
  /// Jain's index of the accepted updates over all clients, (sum x)^2 / (n sum
  /// x^2): 1 where each has as many, 1/n where one has them all. Jain, Chiu and
  /// Hawe 1984, DEC-TR-301.
  double fairness = 0.0;
  std::uint64_t crashes = 0; ///< of the coordinator
  /// By accuracy: 0.1, 0.2... and every percent from 0.9 on; when a version
  /// first had it.
  std::map<double, double> reached;
};

/// Keeps the account of a simulation. A value.
class account {
public:
  account() = default;
  account(std::size_t clients, std::size_t parameters)
      : contributions_(clients), bytes_(4.0 * double(parameters)) {}

  /// A lease begins.
  void lent(instant now);
  /// It ends; `took` of its places' time were for nothing.
  void ended(instant now, duration wasted = {});
  /// A result has come up.
  void sent() { up_ += bytes_; }
  void accepted(client_id client, std::uint64_t staleness);
  void scored(double accuracy, instant now);
  void crashed() { ++crashes_; }
  /// What was accepted and scored since `then` is void.
  void back_to(const account& then);

  figures at(instant now) const;

private:
  void pass(instant now);

  std::vector<std::uint32_t> contributions_; ///< by client
  double bytes_ = 0.0;                       ///< of a model
  std::uint64_t leases_ = 0;
  std::uint64_t open_ = 0;
  std::uint64_t most_open_ = 0;
  instant since_{};
  double busy_ = 0.0;   ///< seconds, of all leases
  double wasted_ = 0.0; ///< likewise
  double up_ = 0.0;
  std::uint64_t updates_ = 0;
  std::uint64_t staleness_ = 0; ///< of all updates
  std::uint64_t stalest_ = 0;
  std::uint64_t crashes_ = 0;
  double best_ = 0.0;
  std::map<double, double> reached_;
};

/// In a few lines, for people.
std::string to_text(const figures& of);

} // namespace troupe::simulation
