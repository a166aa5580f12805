#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gpu/random.hpp"
#include "protocols/federated/oort.hpp"
#include "protocols/federated/roster.hpp"
#include "protocols/federated/tiers.hpp"
#include "protocols/federated/track_record.hpp"

namespace troupe::federated {

/// Chooses the clients of synchronous rounds, all different:
///
/// - `uniform`: each set is as likely. The mean of their updates by samples, or
///   uniformly, estimates that of all clients, weighted likewise (nearly: a
///   ratio of two estimates).
/// - `size`: one after the other, in proportion to their samples. Their uniform
///   mean estimates the mean by samples, the better the fewer are drawn of
///   many; weighted by samples they would count twice.
/// - `power_of_choice` (Cho et al. 2020, pi_rpow-d): so are d candidates, of
///   whom those count whose last known losses are the largest; a client without
///   any has an infinite one. Theirs is the uniform mean, which leans towards
///   clients that are fitted badly.
/// - `oort`: see there. Of what it estimates its paper promises nothing.
///
/// With tiers, the clients of a round are drawn so from one tier.
///
/// What it decides follows from the seed, the round, who is there and what it
/// was told before the round began, in whatever order. With uniform and size it
/// remembers nothing; else that is what `inspect` covers, so that a run which
/// is resumed draws as it would have, and only what the open round had told is
/// told again. Losses follow from the seed; times do so in virtual order alone.
class chooser {
public:
  enum class by : std::uint8_t { uniform, size, power_of_choice, oort };
  struct options {
    by how = by::uniform;
    std::uint64_t candidates = 0; ///< d; 0: twice as many as a round leases
    federated::oort::options oort{};
    federated::tiers::options tiers{};
  };

  chooser() = default;
  explicit chooser(options how);

  /// A round of `count` of `clients` (ascending), which come out as they went
  /// in; `records` has their samples, at least one each.
  std::vector<client_id> draw(std::uint64_t round, std::span<client_id> clients,
      std::size_t count, std::span<const client_record> records,
      gpu::random_stream& random);
  // Of the round that was drawn last, until it is closed.
  void heard(const arrival& update);
  void gave_up(client_id client, duration time);
  void retract(client_id client);
  void close(std::uint64_t round);

  bool goes_by_size() const noexcept {
    return how_.how == by::size || how_.how == by::power_of_choice;
  }
  bool remembers() const noexcept {
    return how_.how == by::power_of_choice || how_.how == by::oort ||
           tiers_.any();
  }
  /// The same, that was told nothing yet.
  chooser anew() const { return chooser{how_}; }

  template <class Inspector>
  friend bool inspect(Inspector& f, chooser& x) {
    return f.object(x).fields(f.field("known", x.known_),
        f.field("oort", x.oort_), f.field("tiers", x.tiers_));
  }

private:
  std::vector<client_id> draw_among(std::uint64_t round,
      std::span<client_id> clients, std::size_t count,
      std::span<const client_record> records, gpu::random_stream& random) const;

  options how_;
  track_record known_;
  federated::oort oort_;
  federated::tiers tiers_;
};

} // namespace troupe::federated
