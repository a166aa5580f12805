#pragma once

#include <cstdint>
#include <string>

#include "protocols/federated/decisions.hpp"
#include "protocols/federated/fedbuff.hpp"
#include "protocols/fields.hpp"

namespace troupe::federated {

/// What an update that is some versions behind keeps of the mixing rate
/// (Xie et al. 2019, section 5.2); 1 for a fresh one.
struct staleness_function {
  enum class shape : std::uint8_t { constant, hinge, polynomial };

  shape of = shape::polynomial;
  double exponent = 0.5; ///< polynomial: (1 + s)^-exponent
  double slope = 10.0;   ///< hinge: 1 up to `grace`, then
  double grace = 4.0;    ///< 1 / (1 + slope * (s - grace))

  double operator()(std::uint64_t staleness) const noexcept;

  template <class Inspector>
  friend bool inspect(Inspector& f, staleness_function& x) {
    auto shape = static_cast<std::uint8_t>(x.of);
    return f.object(x).fields(f.field("shape", shape),
               exactly(f, "exponent", x.exponent), exactly(f, "slope", x.slope),
               exactly(f, "grace", x.grace)) &&
           (x.of = static_cast<enum shape>(shape), true);
  }
};

/// Asynchronous federated optimisation (Xie et al. 2019, Algorithm 1, without
/// its proximal term, which is the clients'). Every accepted update makes a
/// version at once, a mixture of models:
///
///     x <- (1 - a) x + a (base + delta),   a = mixing * f(staleness)
///
/// so that a stale one pulls back towards where it came from, and is trusted
/// less. A fresh update is 0 versions behind. Leases, clients and ends are
/// those of `fedbuff` with a buffer of one update; weights and min_updates mean
/// nothing here. Updates that arrive while a version is being made go into the
/// next one together, with the mean of their rates.
class fedasync {
public:
  /// How a topology asks for it. A seed alone does not repeat a run: its
  /// journal does (`troupe audit DIR --retrain`).
  struct options {
    double mixing = 0.6;
    std::string staleness = "polynomial"; ///< or "constant", "hinge"
    double staleness_exponent = 0.5;      ///< of polynomial
    double staleness_slope = 10.0;        ///< of hinge
    double staleness_grace = 4.0;         ///< of hinge
    std::uint64_t concurrency = 20;
    std::uint64_t max_staleness = 20;
  };

  fedasync() = default;
  /// `mixing` in (0, 1]; `concurrency` is at least 1.
  fedasync(settings common, double mixing, staleness_function trust,
      std::uint64_t concurrency, std::uint64_t max_staleness);

  // As `decides` promises.
  void join(
      client_id client, std::uint64_t samples, instant now, decisions& out) {
    leases_.join(client, samples, now, out);
  }
  void leave(client_id client, instant now, decisions& out) {
    leases_.leave(client, now, out);
  }
  void begin(std::uint64_t incarnation, instant now, decisions& out);
  verdict arrive(const arrival& update, instant now, decisions& out);
  void fail(lease_id lease, instant now, decisions& out) {
    leases_.fail(lease, now, out);
  }
  void requeue(lease_id lease, instant now, decisions& out) {
    leases_.requeue(lease, now, out);
  }
  void retract(lease_id lease, instant now, decisions& out);
  void published(instant now, decisions& out);
  void wake(instant now, decisions& out) { leases_.wake(now, out); }
  void discard() noexcept;

  version_id version() const noexcept { return leases_.version(); }
  std::uint64_t round() const noexcept { return leases_.round(); }
  std::uint64_t accepted() const noexcept { return leases_.accepted(); }
  std::uint64_t buffered() const noexcept { return leases_.buffered(); }
  double share(lease_id lease) noexcept { return leases_.share(lease); }
  std::uint64_t outstanding() const noexcept { return leases_.outstanding(); }
  const settings& common() const noexcept { return leases_.common(); }
  void rounds(std::uint64_t total) noexcept { leases_.rounds(total); }

  // As `succeeds` promises; see `fedbuff`.
  handover hand_over() const { return leases_.hand_over(); }
  void take_over(handover what, decisions& out) {
    leases_.take_over(std::move(what), out);
  }

  template <class Inspector>
  friend bool inspect(Inspector& f, fedasync& x) {
    if constexpr (Inspector::is_loading) {
      // What it is told before it begins says what of it was saved.
      auto leases = std::move(x.leases_);
      x = fedasync{};
      x.leases_ = std::move(leases);
    }
    return f.object(x).fields(f.field("leases", x.leases_),
        exactly(f, "mixing", x.mixing_), f.field("trust", x.trust_),
        exactly(f, "rates", x.rates_));
  }

private:
  void mix_since(version_id before, decisions& out);

  fedbuff leases_;
  double mixing_ = 0.6;
  staleness_function trust_;
  double rates_ = 0.0; // the sum of those of the open version's updates
};

} // namespace troupe::federated

namespace troupe {
using fedasync = federated::fedasync::options;
} // namespace troupe
