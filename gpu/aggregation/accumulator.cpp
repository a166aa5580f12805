#include "gpu/aggregation/accumulator.hpp"

#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/aggregation/linear_checksum.hpp"
#include "gpu/host/kernels.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>

namespace troupe::gpu {

namespace {

using namespace fixed_point;

constexpr double weight_limit = 4096.0;
constexpr auto reach_limit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t weight_sum_limit = std::int64_t{1} << 62;

// A block is looked at while the one before it is added, so that memory is read
// once and nothing is added unseen; both fit the first-level cache.
using linear_checksum::block;

std::int64_t to_fixed(double scaled) noexcept {
  return std::bit_cast<std::int64_t>(scaled + magic) - magic_bits;
}

bool is_weight(double x) noexcept {
  return x >= 0.0 && x < weight_limit; // NaN is not
}

std::int64_t weight_to_fixed(double weight) noexcept {
  return static_cast<std::int64_t>(std::nearbyint(weight * weight_scale));
}

std::int32_t largest(std::span<const float> values) noexcept {
  std::int32_t most = 0;
  for (auto value : values)
    most = std::max(most, magnitude(value));
  return most;
}

void undo(std::int64_t* __restrict__ sums, std::span<const float> values,
    double scaled_weight) noexcept {
  for (std::size_t i = 0; i < values.size(); ++i)
    sums[i] -= to_fixed(scaled_weight * static_cast<double>(values[i]));
}

struct look {
  std::int32_t largest = 0;   ///< of what comes next
  std::uint64_t checksum = 0; ///< of what was added
};

// Adds some values of one block, which begin at `place`, and looks at the next.
look add_part(std::int64_t* sums, std::span<const float> values,
    std::span<const float> next, double scaled_weight, std::uint64_t place) {
  const auto together = values.size() == block && next.size() == block;
  const auto whole = values.size() / host::rows_at_once * host::rows_at_once;
  const auto [seen, added] =
      host::best_kernels().accumulate({sums, values.data(),
          together ? next.data() : values.data(), whole, scaled_weight});
  look result{together ? seen : largest(next),
      added.checksum(linear_checksum::multipliers_from(place),
          whole / linear_checksum::row_sums::width)};
  auto [multiplier, step] = linear_checksum::multipliers_from(place + whole);
  for (auto i = whole; i < values.size(); ++i, multiplier += step) {
    const auto one = to_fixed(scaled_weight * static_cast<double>(values[i]));
    sums[i] += one;
    result.checksum += multiplier * static_cast<std::uint64_t>(one);
  }
  return result;
}

std::uint64_t checksum_of(
    std::span<const std::int64_t> sums, std::uint64_t place) noexcept {
  constexpr auto width = linear_checksum::row_sums::width;
  const auto whole = sums.size() / width * width;
  auto result =
      host::best_kernels()
          .sum_rows(sums.data(), whole)
          .checksum(linear_checksum::multipliers_from(place), whole / width);
  auto [multiplier, step] = linear_checksum::multipliers_from(place + whole);
  for (auto i = whole; i < sums.size(); ++i, multiplier += step)
    result += multiplier * static_cast<std::uint64_t>(sums[i]);
  return result;
}

} // namespace

const char* to_string(admission what) noexcept {
  switch (what) {
  case admission::added:
    return "added";
  case admission::wrong_size:
    return "wrong size";
  case admission::not_finite:
    return "not finite";
  case admission::out_of_range:
    return "out of range";
  case admission::bad_weight:
    return "bad weight";
  }
  return "unknown admission";
}

double on_weight_grid(double weight) noexcept {
  return std::nearbyint(weight * weight_scale) / weight_scale;
}

// A little below what `admission_of` refuses, and half of what the reach has
// room for.
double most_admissible(double weight) noexcept {
  constexpr auto most = 0x1p21;
  const auto grid = on_weight_grid(weight);
  return grid > 0.0 ? std::min(0x1.fffp9 / grid, most) : most;
}

double accumulator_totals::scaled(double weight) noexcept {
  return on_weight_grid(weight) * value_scale;
}

double accumulator_totals::denominator() const noexcept {
  return static_cast<double>(shares) / weight_scale * value_scale;
}

admission accumulator_totals::weigh(
    double weight, double share) const noexcept {
  if (!is_weight(weight) || !is_weight(share) ||
      weights + weight_to_fixed(weight) >= weight_sum_limit ||
      shares + weight_to_fixed(share) >= weight_sum_limit)
    return admission::bad_weight;
  return admission::added;
}

// Rounding is monotonic, so the largest value's product is the largest one.
admission accumulator_totals::admission_of(
    std::int32_t largest, double weight) const noexcept {
  if (largest >= infinity_bits)
    return admission::not_finite;
  auto product =
      scaled(weight) * static_cast<double>(std::bit_cast<float>(largest));
  if (product >= 0x1p51 || to_fixed(product) > reach_limit - reach)
    return admission::out_of_range;
  return admission::added;
}

void accumulator_totals::count(
    std::int32_t largest, double weight, double share) noexcept {
  reach += to_fixed(
      scaled(weight) * static_cast<double>(std::bit_cast<float>(largest)));
  weights += weight_to_fixed(weight);
  shares += weight_to_fixed(share);
  ++contributions;
}

admission accumulator_totals::merge(const accumulator_totals& other) noexcept {
  if (other.weights >= weight_sum_limit - weights ||
      other.shares >= weight_sum_limit - shares)
    return admission::bad_weight;
  if (other.reach > reach_limit - reach)
    return admission::out_of_range;
  reach += other.reach;
  weights += other.weights;
  shares += other.shares;
  contributions += other.contributions;
  return admission::added;
}

accumulator::accumulator(std::size_t size, std::size_t first)
    : sums_(size), first_(first) {}

// Values from there on that are in one block of the whole.
std::size_t accumulator::to_border(std::size_t from) const noexcept {
  return std::min(block - (first_ + from) % block, size() - from);
}

double accumulator::weight() const noexcept {
  return static_cast<double>(totals_.weights) / weight_scale;
}

double accumulator::share() const noexcept {
  return static_cast<double>(totals_.shares) / weight_scale;
}

double accumulator::reach() const noexcept {
  return static_cast<double>(totals_.reach) / value_scale;
}

receipt accumulator::add(
    std::span<const float> values, double weight, double share) {
  if (values.size() != size())
    return {admission::wrong_size};
  if (auto said = totals_.weigh(weight, share); said != admission::added)
    return {said};
  const auto scaled_weight = accumulator_totals::scaled(weight);
  auto part = [&](std::size_t from) {
    return values.subspan(from, to_border(from));
  };
  std::int32_t most = 0;
  std::uint64_t checksum = 0;
  auto here = part(0);
  auto seen = largest(here);
  for (std::size_t from = 0; from < size();) {
    if (totals_.admission_of(seen, weight) != admission::added) {
      undo(sums_.data(), values.first(from), scaled_weight);
      // The reason is that of all values, not of the first bad block.
      return {totals_.admission_of(largest(values), weight)};
    }
    most = std::max(most, seen);
    const auto next = part(from + here.size());
    const auto what =
        add_part(&sums_[from], here, next, scaled_weight, first_ + from);
    seen = what.largest;
    checksum += what.checksum;
    from += here.size();
    here = next;
  }
  totals_.count(most, weight, share);
  return {admission::added, checksum};
}

std::uint64_t accumulator::checksum() const noexcept {
  std::uint64_t result = 0;
  for (std::size_t from = 0; from < size(); from += to_border(from))
    result += checksum_of(
        std::span{sums_}.subspan(from, to_border(from)), first_ + from);
  return result;
}

admission accumulator::merge(const accumulator& other) {
  if (other.size() != size() || other.first_ != first_)
    return admission::wrong_size;
  if (auto said = totals_.merge(other.totals_); said != admission::added)
    return said;
  for (std::size_t i = 0; i < size(); ++i)
    sums_[i] += other.sums_[i];
  return admission::added;
}

void accumulator::clear() noexcept {
  std::fill(sums_.begin(), sums_.end(), 0);
  totals_ = {};
}

void accumulator::publish(
    std::span<const float> base, double rate, std::span<float> out) const {
  assert(base.size() == size() && out.size() == size() && "sizes differ");
  assert(totals_.shares > 0 && "nothing was added that could be published");
  auto denominator = totals_.denominator();
  for (std::size_t i = 0; i < size(); ++i) {
    auto mean = static_cast<double>(sums_[i]) / denominator;
    out[i] = static_cast<float>(static_cast<double>(base[i]) + rate * mean);
  }
}

void accumulator::average(std::span<double> out) const {
  assert(out.size() == size() && "sizes differ");
  assert(totals_.shares > 0 && "nothing was added that could be averaged");
  auto denominator = totals_.denominator();
  for (std::size_t i = 0; i < size(); ++i)
    out[i] = static_cast<double>(sums_[i]) / denominator;
}

} // namespace troupe::gpu
