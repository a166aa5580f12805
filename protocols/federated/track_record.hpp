#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "protocols/federated/decisions.hpp"
#include "protocols/fields.hpp"

namespace troupe::federated {

/// What a run has learnt of one client.
struct experience {
  std::uint64_t leased_in = 0; ///< the last round of which it was; 0: of none
  std::uint64_t times = 0;     ///< that it took, and their sum
  duration total{};
  /// The last one; infinite where none is known.
  double loss = std::numeric_limits<double>::infinity();
  /// |B| sqrt(mean square loss) over its samples B, the last one (Lai et al.
  /// 2021, "statistical utility"); 0 where none is known.
  double utility = 0.0;

  bool was_leased() const noexcept { return leased_in > 0; }
  bool has_loss() const noexcept {
    return loss < std::numeric_limits<double>::infinity();
  }
  /// The mean; none is known: as long as can be.
  duration time() const noexcept {
    return times > 0 ? total / static_cast<duration::rep>(times)
                     : duration::max();
  }

  template <class Inspector>
  friend bool inspect(Inspector& f, experience& x) {
    return f.object(x).fields(f.field("leased_in", x.leased_in),
        f.field("times", x.times), f.field("total", x.total),
        exactly(f, "loss", x.loss), exactly(f, "utility", x.utility));
  }
};

/// What a run has learnt of its clients from the rounds that are closed. What
/// the open round tells is kept apart until then, so that neither the order in
/// which it comes nor a state saved in between makes a difference.
class track_record {
public:
  const experience& of(client_id client) const noexcept;

  /// A round of these clients is open; what another one told is forgotten.
  void begin(std::span<const client_id> cohort);
  /// A loss that is no number counts as none at all: 0.
  void heard(const arrival& update);
  /// Its update is not waited for any more; it had so much time.
  void gave_up(client_id client, duration time);
  /// Its update turned out to be unusable.
  void retract(client_id client);
  /// Answers with the utility of those who were heard of.
  double close(std::uint64_t round);

  template <class Inspector>
  friend bool inspect(Inspector& f, track_record& x) {
    return f.object(x).fields(f.field("clients", x.clients_));
  }

private:
  struct news {
    duration took{};
    std::optional<double> loss{}; ///< none: it was given up
    double utility = 0.0;
  };

  std::vector<experience> clients_; // by id
  std::map<client_id, std::optional<news>> open_;
};

} // namespace troupe::federated
