#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "protocols/federated/decisions.hpp"
#include "protocols/federated/pace.hpp"
#include "protocols/ids.hpp"
#include "protocols/time.hpp"
#include "runtime/configuration/configuration.hpp"
#include "runtime/simulation/trace.hpp"

namespace troupe::simulation {

/// What becomes of one lease beside its training.
struct fate {
  enum class result : std::uint8_t {
    comes,
    fails,   ///< the client does
    is_lost, ///< on the way, which is noticed when its time is over
  };
  result what = result::comes;
  duration beside{};               ///< down, up, being late, being noticed
  std::optional<duration> again{}; ///< it comes once more, so much later
};

/// Ways, absences and faults, drawn from the keys of [simulation]: functions of
/// the seed and of whom or what they befall, and of nothing else, so that one
/// seed gives one history. As it stands nothing happens.
class hazards {
public:
  hazards() = default;
  /// What the trace has is not drawn; null: all is.
  hazards(std::uint64_t seed, const configuration::simulation_keys& how,
      std::shared_ptr<const trace> told = {})
      : seed_(seed), how_(how), told_(std::move(told)) {}

  /// Of a lease of a model of so many bytes.
  fate of(const federated::grant& what, double bytes) const;

  /// Bytes a second of a client, down and up; 0: its way takes no time.
  double down(client_id client) const;
  double up(client_id client) const;

  /// How much longer a lease takes than its client's pace has it, which may be
  /// less; `samples` are by client.
  duration slower(const federated::pace& than, const federated::grant& what,
      std::span<const std::uint64_t> samples) const;

  /// How much later a lease of `now` that takes so long ends, since nothing
  /// reaches its client, or comes from it, while the network is partitioned and
  /// it is on the other side: both wait until that is over.
  duration cut_off(client_id client, instant now, duration takes) const;

  /// Who comes and goes when; null: it is drawn.
  const trace* told() const noexcept {
    return told_ && !told_->stays.empty() ? told_.get() : nullptr;
  }
  /// Clients come and go.
  bool moves() const noexcept { return told() || how_.available < 1.0; }
  /// Whether a client is there at first.
  bool is_there(client_id client) const;
  /// How long its n-th stay or absence lasts.
  duration stay(client_id client, std::uint64_t number, bool there) const;

  /// The coordinator crashes.
  bool crashes() const noexcept { return how_.crash_seconds > 0.0; }
  /// From its n-th start to the crash behind it, and until the next start.
  duration up_time(std::uint64_t number) const;
  duration restart() const { return from_seconds(how_.restart_seconds); }

private:
  struct partition {
    instant begin{};
    instant end{};
  };
  instant reachable(client_id client, instant from) const;
  const partition& nth_partition(std::size_t number) const;

  const trace::speeds* speeds_of(client_id client) const;
  double way(double median, std::uint64_t client, std::uint64_t which) const;

  std::uint64_t seed_ = 0;
  configuration::simulation_keys how_{};
  std::shared_ptr<const trace> told_;
  /// As far as they were asked for; a function of the seed.
  mutable std::vector<partition> partitions_;
};

} // namespace troupe::simulation
