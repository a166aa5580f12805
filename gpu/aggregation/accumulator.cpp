#include "gpu/aggregation/accumulator.hpp"

#include "gpu/aggregation/fixed_point.hpp"

#include <algorithm>
#include <array>
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
constexpr std::size_t block = 2048;
constexpr std::size_t lanes = 4;
constexpr std::size_t cache_line = 64 / sizeof(float);
constexpr std::size_t prefetch_distance = 256;

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

void add_block(std::int64_t* __restrict__ sums, std::span<const float> values,
    double scaled_weight) noexcept {
  for (std::size_t i = 0; i < values.size(); ++i)
    sums[i] += to_fixed(scaled_weight * static_cast<double>(values[i]));
}

// Adds one whole block and returns the largest magnitude of the next. Written
// in lanes, for the compiler to vectorise around the prefetches: hardware alone
// does not keep up with three streams across page borders.
std::int32_t add_block_and_look(std::int64_t* __restrict__ sums,
    const float* __restrict__ values, const float* __restrict__ next,
    double scaled_weight) noexcept {
  std::array<std::int32_t, lanes> most{};
  for (std::size_t i = 0; i < block; i += cache_line) {
    __builtin_prefetch(sums + i + prefetch_distance, 1);
    __builtin_prefetch(sums + i + prefetch_distance + cache_line / 2, 1);
    __builtin_prefetch(next + i + prefetch_distance);
    for (std::size_t j = i; j < i + cache_line; j += lanes)
      for (std::size_t k = 0; k < lanes; ++k) {
        auto product = scaled_weight * static_cast<double>(values[j + k]);
        sums[j + k] += to_fixed(product);
        most[k] = std::max(most[k], magnitude(next[j + k]));
      }
  }
  return *std::max_element(most.begin(), most.end());
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

accumulator::accumulator(std::size_t size) : sums_(size) {}

double accumulator::weight() const noexcept {
  return static_cast<double>(totals_.weights) / weight_scale;
}

double accumulator::share() const noexcept {
  return static_cast<double>(totals_.shares) / weight_scale;
}

double accumulator::reach() const noexcept {
  return static_cast<double>(totals_.reach) / value_scale;
}

admission accumulator::add(
    std::span<const float> values, double weight, double share) {
  if (values.size() != size())
    return admission::wrong_size;
  if (auto said = totals_.weigh(weight, share); said != admission::added)
    return said;
  auto scaled_weight = accumulator_totals::scaled(weight);
  auto part = [&](std::size_t first) {
    first = std::min(first, size());
    return values.subspan(first, std::min(block, size() - first));
  };
  std::int32_t most = 0;
  auto here = largest(part(0));
  for (std::size_t first = 0; first < size(); first += block) {
    if (totals_.admission_of(here, weight) != admission::added) {
      undo(sums_.data(), values.first(first), scaled_weight);
      // The reason is that of all values, not of the first bad block.
      return totals_.admission_of(largest(values), weight);
    }
    most = std::max(most, here);
    auto next = part(first + block);
    if (next.size() == block) {
      here = add_block_and_look(
          &sums_[first], &values[first], next.data(), scaled_weight);
    } else {
      add_block(&sums_[first], part(first), scaled_weight);
      here = largest(next);
    }
  }
  totals_.count(most, weight, share);
  return admission::added;
}

admission accumulator::merge(const accumulator& other) {
  if (other.size() != size())
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
