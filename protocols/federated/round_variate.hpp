#pragma once

#include <cstdint>
#include <set>

#include "gpu/aggregation/variate_step.hpp"
#include "gpu/training/recipe.hpp"
#include "protocols/federated/decisions.hpp"

namespace troupe::federated {

/// How the server's control variate v moves with a round. With S the clients
/// that counted, N all that ever joined, d_i a delta, a_i what its steps amount
/// to (`training::amount_of`) and lr the round's rate:
///
/// SCAFFOLD (Karimireddy et al. 2020, Algorithm 1, option II) moves c_i by
/// -v - d_i / (lr a_i), as the client does (`training::next_variate`), and v by
/// 1/N of the sum of these moves over S, so that v is the mean of all c_i.
///
/// FedDyn (Acar et al. 2021, Algorithm 1), v being -h / alpha there, moves by
/// 1/N of the sum of d_i over S.
///
/// A client that joins has a variate of zero: v shrinks as N grows. One that
/// did no step moves none. What the weights sum is divided by the m clients of
/// the round, so that it can be summed exactly, and multiplied by them again.
class round_variate {
public:
  round_variate() = default;
  explicit round_variate(training::recipe work) : work_(std::move(work)) {}

  /// A round leases so many clients.
  void begin(std::uint64_t cohort);
  /// What the delta of an update that counts weighs in the variate.
  double weigh(const arrival& update);
  /// The client's update does not count after all.
  void retract(client_id client) { counted_.erase(client); }
  /// Of the version that follows `base`, with so many clients that ever joined.
  gpu::variate_step step(version_id base, std::uint64_t registered);

  bool kept() const noexcept { return work_.keeps_variates(); }
  /// Before any round.
  round_variate anew() const { return round_variate{work_}; }

  template <class Inspector>
  friend bool inspect(Inspector& f, round_variate& x) {
    return f.object(x).fields(f.field("registered", x.registered_));
  }

private:
  bool moves(version_id base) const noexcept;

  training::recipe work_;
  std::uint64_t registered_ = 0; ///< by the last version
  std::uint64_t cohort_ = 0;
  std::set<client_id> counted_;
};

} // namespace troupe::federated
