#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::pipeline {

/// What a rank does next, and how much it may hold. Each but `gpipe` and
/// `interleaved` wants one chunk a rank.
///
///     naive        one micro-batch in the whole pipeline
///     gpipe        all forwards of a step, then all backwards (Huang et al.
///                  2019); of chunks, the first one's first (Lamy-Poirier 2023)
///     one_f_one_b  as many forwards as there are ranks behind it, then one for
///                  each backward (Narayanan et al. 2019; Fan et al. 2021)
///     interleaved  the same of several chunks a rank (Narayanan et al. 2021)
///     zb_h1        a backward is two: what the rank before it waits for, and
///                  the gradients of weights, done when nothing else can be
///                  (Qi et al. 2024)
///     two_bw       one_f_one_b that does not stop between steps: two versions
///                  of the weights, staleness 1 (Narayanan et al. 2021)
enum class policy : std::uint8_t {
  naive,
  gpipe,
  one_f_one_b,
  interleaved,
  zb_h1,
  two_bw,
};
inline constexpr std::uint8_t policies = 6;
/// naive, gpipe, 1f1b, interleaved, zb-h1, 2bw
const char* to_string(policy how) noexcept;
std::optional<policy> policy_named(std::string_view name) noexcept;

/// A pipeline: the model is cut into `ranks * chunks` virtual stages. The one
/// numbered s is chunk s / ranks of rank s % ranks.
struct plan {
  policy how = policy::one_f_one_b;
  std::uint32_t ranks = 1;
  std::uint32_t chunks = 1;        ///< of the model, at each rank
  std::uint32_t micro_batches = 1; ///< of a step, any number
  std::uint64_t steps = 1;         ///< in one go

  std::uint32_t stages() const noexcept { return ranks * chunks; }
  /// Forwards of one rank in a step.
  std::uint64_t units() const noexcept {
    return std::uint64_t{chunks} * micro_batches;
  }
  /// Whether gradients of weights are a work of their own.
  bool split() const noexcept { return how == policy::zb_h1; }
  /// Updates that weights may lack.
  std::uint64_t staleness() const noexcept { return how == policy::two_bw; }

  friend bool operator==(const plan&, const plan&) = default;
  template <class Inspector>
  friend bool inspect(Inspector& f, plan& x) {
    return f.object(x).fields(
        f.field(
            "how", [&x] { return static_cast<std::uint8_t>(x.how); },
            [&x](std::uint8_t value) {
              x.how = static_cast<policy>(value);
              return value < policies;
            }),
        f.field("ranks", x.ranks), f.field("chunks", x.chunks),
        f.field("micro_batches", x.micro_batches), f.field("steps", x.steps));
  }
};

/// Why it cannot be; empty: it can.
std::string fault_of(const plan& x);

/// Updates in the weights that a micro-batch goes forward and backward by.
std::uint64_t version_of(const plan& x, std::uint64_t micro_batch) noexcept;

/// Forwards whose backward is not done, at most, of all chunks of a rank.
std::uint64_t most_held(const plan& x, std::uint32_t rank) noexcept;
/// The same, and those whose gradients of weights are not done.
std::uint64_t most_kept(const plan& x, std::uint32_t rank) noexcept;
/// Gradients of weights that a rank leaves for the end of a step, where it
/// would be idle: done before, they would be in the way of what others wait
/// for.
std::uint64_t kept_for_end(const plan& x, std::uint32_t rank) noexcept;

/// What a micro-batch passes at a rank: one of its chunks.
struct unit {
  std::uint32_t chunk = 0;
  std::uint64_t micro_batch = 0; ///< counted on from step to step

  friend bool operator==(const unit&, const unit&) = default;
};

/// Every rank begins its forwards in this order, and its backwards in that one:
/// so gradients are always added up alike. When it does which is not said.
unit forward_at(const plan& x, std::uint64_t position) noexcept;
unit backward_at(const plan& x, std::uint64_t position) noexcept;
std::uint64_t forward_position(const plan& x, const unit& of) noexcept;
std::uint64_t backward_position(const plan& x, const unit& of) noexcept;

/// Traces of a virtual stage: forwards of this chunk whose backward is not
/// done, at most.
std::uint64_t traces_of(
    const plan& x, std::uint32_t rank, std::uint32_t chunk) noexcept;

/// Credits of a virtual stage: micro-batches that the one before it has sent
/// there and has no gradient of, at most. One more than it has traces, so that
/// the next one lies there when a trace is free.
std::uint64_t credits_of(
    const plan& x, std::uint32_t rank, std::uint32_t chunk) noexcept;

} // namespace troupe::pipeline
