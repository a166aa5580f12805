#pragma once

#include "gpu/large_allocator.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace troupe::gpu {

/// What an accumulator says to a contribution.
enum class admission : std::uint8_t {
  added,
  wrong_size,   ///< not as many values as the accumulator holds
  not_finite,   ///< NaN or infinity among the values
  out_of_range, ///< |weight x value| >= 2^10, or the sum's reach >= 2^22
  bad_weight,   ///< a weight or share, or their sum, is not in [0, 4096)
};

const char* to_string(admission what) noexcept;

/// What became of a contribution.
struct receipt {
  admission said = admission::added;
  std::uint64_t checksum = 0; ///< of the integers that were added

  friend bool operator==(const receipt&, const receipt&) = default;
  friend bool operator==(const receipt& a, admission b) noexcept {
    return a.said == b;
  }
};

/// What a mean was made of.
struct sum_total {
  double weight = 0.0;        ///< all weights
  double share = 0.0;         ///< all shares: its denominator
  std::uint64_t checksum = 0; ///< of its sum's integers

  friend bool operator==(const sum_total&, const sum_total&) = default;
};

/// Rounds to the nearest multiple of 2^-50, the grid on which weights are
/// summed exactly. Weights are put on it once, when a lease is made.
double on_weight_grid(double weight) noexcept;

/// The largest magnitude that contributions of this weight may have, if weights
/// sum to 1: an accumulator refuses none of them, whatever the others are.
double most_admissible(double weight) noexcept;

/// What an accumulator keeps beside its sums, and the rules by which it admits
/// contributions; the same on every device.
struct accumulator_totals {
  std::int64_t reach = 0;   ///< multiples of 2^-41
  std::int64_t weights = 0; ///< multiples of 2^-50
  std::int64_t shares = 0;  ///< multiples of 2^-50
  std::uint64_t contributions = 0;

  /// Whether this weight and share may be added: `added` or `bad_weight`.
  admission weigh(double weight, double share) const noexcept;
  /// Whether values may be added of which the largest magnitude has the bits
  /// `largest`: `added`, `not_finite` or `out_of_range`.
  admission admission_of(std::int32_t largest, double weight) const noexcept;
  /// Counts a contribution that was added.
  void count(std::int32_t largest, double weight, double share) noexcept;
  /// Counts all that another has, or says why not.
  admission merge(const accumulator_totals& other) noexcept;
  /// What one contribution's products are rounded from.
  static double scaled(double weight) noexcept;
  /// What a published sum is divided by.
  double denominator() const noexcept;

  friend bool operator==(
      const accumulator_totals&, const accumulator_totals&) = default;
};

/// Sums weighted contributions exactly in 64-bit fixed point, so that neither
/// the order of arrival nor the way of merging changes a bit.
///
/// Each product weight x value is computed in double and rounded to the nearest
/// multiple of 2^-41 (ties to even): an error of at most 2^-42, and 2^-44 from
/// the product, so less than 2^-41 a contribution. Sums are exact. Beside the
/// values it sums every contribution's *share*, the denominator: for FedAvg
/// share = weight, for FedBuff share is the weight before the discount for
/// staleness. `average` divides once, by the shares' sum. Weights and shares
/// count as `on_weight_grid` has them.
///
/// Why nothing wraps: the *reach*, the sum over contributions of their largest
/// |weight x value|, bounds every |sum|; it is kept exactly and may not pass
/// 2^22 - 2^-41. Weights that sum to 1 over a cohort, with values below 2^22,
/// can be added without end to their number.
///
/// Each contribution is answered by a *linear checksum* of the integers that it
/// added (`linear_checksum`): `checksum`, of the sums themselves, is the sum of
/// these. One that has a range of a model says where that begins: then the
/// ranges' checksums sum up to the whole's.
///
/// A refused contribution leaves the accumulator as it was, to the bit. Memory:
/// 8 bytes a parameter, whatever the number of contributions. A value: copy,
/// merge, save. Not thread-safe.
class accumulator {
public:
  accumulator() = default;
  explicit accumulator(std::size_t size, std::size_t first = 0);

  std::size_t size() const noexcept { return sums_.size(); }
  std::uint64_t contributions() const noexcept { return totals_.contributions; }
  /// The sum of all weights.
  double weight() const noexcept;
  /// The sum of all shares.
  double share() const noexcept;
  /// The sum of the contributions' largest |weight x value|.
  double reach() const noexcept;
  /// Of the sums, read anew.
  std::uint64_t checksum() const noexcept;

  receipt add(std::span<const float> values, double weight, double share);
  receipt add(std::span<const float> values, double weight) {
    return add(values, weight, weight);
  }
  /// Adds what another one of the same range has summed.
  admission merge(const accumulator& other);
  void clear() noexcept;

  /// out[i] = base[i] + rate * sum[i] / share(), computed in double and rounded
  /// once to float. Requires contributions() > 0 and share() > 0; `out` may be
  /// `base`.
  void publish(
      std::span<const float> base, double rate, std::span<float> out) const;
  /// The average itself, in double; the same is required.
  void average(std::span<double> out) const;

  friend bool operator==(const accumulator&, const accumulator&) = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, accumulator& x) {
    return f.object(x).fields(f.field("sums", x.sums_),
        f.field("first", x.first_), f.field("reach", x.totals_.reach),
        f.field("weights", x.totals_.weights),
        f.field("shares", x.totals_.shares),
        f.field("contributions", x.totals_.contributions));
  }

private:
  std::size_t to_border(std::size_t from) const noexcept;

  // multiples of 2^-41
  std::vector<std::int64_t, large_allocator<std::int64_t>> sums_;
  std::uint64_t first_ = 0; ///< place in the whole
  accumulator_totals totals_;

  friend class device_accumulator; // moves sums to a device and back
};

} // namespace troupe::gpu
