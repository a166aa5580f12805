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

/// Guided selection (Lai et al. 2021, "Oort", Algorithm 1). With K clients to
/// draw for round R, U_i a client's statistical utility, L_i the round in which
/// it was leased last and D_i the time that it takes, a client that was leased
/// before is worth
///
///     (U_i / clip + sqrt(0.1 ln R / L_i)) x (T / D_i)^penalty where T < D_i
///
/// Utilities above their `clip` percentile are cut to it, and divided by it, so
/// that the bonus for what is long ago, made for utilities of about one,
/// counts. Of those who are worth 95 % of the (1 - e) K-th best or more, (1 -
/// e) K are drawn by worth; e K, rounded, of the clients that never were
/// leased, all alike, for nothing is known of their speeds. e begins at
/// `explore` and is multiplied by `explore_decay` every round, down to
/// `explore_least`.
///
/// T is a percentile of the times that are known, not a time, as in the
/// authors' program: it starts at `pacer`, and is raised by that every `window`
/// rounds in which clients told of less utility than in the window before; at 1
/// nobody is too slow. Their list of clients that were drawn too often is left
/// out. What was leased and never heard of has no utility, and comes back by
/// its bonus alone.
class oort {
public:
  struct options {
    double explore = 0.9;
    double explore_decay = 0.98;
    double explore_least = 0.2;
    double penalty = 2.0;
    double clip = 0.95;
    double pacer = 0.2;
    std::uint64_t window = 20;
  };

  oort() : oort(options{}) {}
  explicit oort(options how);

  /// `count` of `clients`, which come out as they went in; a function of what
  /// is known and of `random`.
  std::vector<client_id> draw(std::uint64_t round, std::span<client_id> clients,
      std::size_t count, const track_record& known,
      gpu::random_stream& random) const;
  /// A round is over, and told of so much utility.
  void close(double utility);

  oort anew() const { return oort{how_}; }

  template <class Inspector>
  friend bool inspect(Inspector& f, oort& x) {
    return f.object(x).fields(exactly(f, "explore", x.explore_),
        exactly(f, "preferred", x.preferred_), f.field("closed", x.closed_),
        exactly(f, "before", x.before_), exactly(f, "recent", x.recent_));
  }

private:
  std::vector<double> worths(std::uint64_t round,
      std::span<const client_id> clients, const track_record& known) const;

  options how_;
  double explore_ = 0.9;
  double preferred_ = 0.2; // the percentile that T is
  std::uint64_t closed_ = 0;
  double before_ = 0.0; // utility of the last whole window
  double recent_ = 0.0; // and of the open one
};

} // namespace troupe::federated
