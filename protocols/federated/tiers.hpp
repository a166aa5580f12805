#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gpu/random.hpp"
#include "protocols/federated/track_record.hpp"
#include "protocols/fields.hpp"
#include "protocols/ids.hpp"

namespace troupe::federated {

/// Tiers of clients by their speed, so that a round waits for clients of one
/// kind (Chai et al. 2020, "TiFL", Algorithm 2). The clients that are there,
/// from the fastest to the slowest by the mean of their times, are cut into
/// `count` tiers of equal size; one that was leased and took no time that is
/// known is among the slowest. Clients that never were leased are profiled
/// first: rounds are of them, and of the fastest others where they are too few.
/// A tier that cannot fill a round takes on its neighbours.
///
/// A round's tier is drawn by its probability, which is 1 / `count` at first,
/// of those that have credits left; every round takes one of its tier's.
/// Where nobody has any left, all get theirs anew. Every `interval` rounds, if
/// the tier of the last round is no better than it was then, the probabilities
/// become (n - rank) / (n (n - 1) / 2) for the n tiers that have credits, of
/// which the worst ranks first. How good a tier is the paper asks of test data
/// of its own; here the mean of its clients' last known losses says it.
class tiers {
public:
  struct options {
    std::uint64_t count = 1;   ///< 1: none
    std::uint64_t credits = 0; ///< rounds that a tier may get; 0: any number
    std::uint64_t interval = 10;
  };

  tiers() : tiers(options{}) {}
  explicit tiers(options how);

  bool any() const noexcept { return how_.count > 1; }

  /// At least `cohort` of `clients` (ascending), of whom a round is to be
  /// drawn. Requires any() and that there are as many.
  std::vector<client_id> draw(std::span<const client_id> clients,
      std::size_t cohort, const track_record& known,
      gpu::random_stream& random);
  /// The round that was drawn last is over.
  void close() { now_ = next_; }

  tiers anew() const { return tiers{how_}; }

  template <class Inspector>
  friend bool inspect(Inspector& f, tiers& x) {
    return f.object(x).fields(f.field("now", x.now_)) &&
           (!Inspector::is_loading || x.now_.all.size() == x.how_.count);
  }

private:
  struct tier_state {
    std::uint64_t credits = 0;
    std::uint64_t chance = 1; ///< over the sum of all
    double loss = 0.0;        ///< when it was last looked back

    template <class Inspector>
    friend bool inspect(Inspector& f, tier_state& x) {
      return f.object(x).fields(f.field("credits", x.credits),
          f.field("chance", x.chance), exactly(f, "loss", x.loss));
    }
  };
  struct standing {
    std::uint64_t rounds = 0;    ///< for which a tier was drawn
    std::uint64_t last = 0;      ///< that tier
    std::vector<tier_state> all; ///< from the fastest on

    template <class Inspector>
    friend bool inspect(Inspector& f, standing& x) {
      return f.object(x).fields(f.field("rounds", x.rounds),
          f.field("last", x.last), f.field("all", x.all));
    }
  };

  bool may_run(const tier_state& x) const noexcept {
    return how_.credits == 0 || x.credits > 0;
  }
  void look_back(std::span<const double> losses);
  std::size_t draw_tier(gpu::random_stream& random);

  options how_;
  standing now_;  // behind the last closed round
  standing next_; // behind the open one
};

} // namespace troupe::federated
