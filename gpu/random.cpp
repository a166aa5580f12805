#include "gpu/random.hpp"

#include <cassert>
#include <cmath>
#include <numbers>
#include <utility>

namespace troupe::gpu {

namespace {

constexpr std::uint32_t low(std::uint64_t x) {
  return static_cast<std::uint32_t>(x);
}

constexpr std::uint32_t high(std::uint64_t x) {
  return static_cast<std::uint32_t>(x >> 32);
}

} // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
    std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    auto p0 = std::uint64_t{0xD2511F53} * counter[0];
    auto p1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {high(p1) ^ counter[1] ^ key[0], low(p1),
        high(p0) ^ counter[3] ^ key[1], low(p0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

// Philox is a bijection, so (a, b) -> 128 bits is one too for a given seed and
// purpose. Two words become the key, two the counter's upper half; the lower
// half counts blocks.
random_stream::random_stream(std::uint64_t seed, std::uint32_t purpose,
    std::uint64_t a, std::uint64_t b) noexcept {
  auto mixed =
      philox4x32({low(a), high(a), low(b), high(b)}, {low(seed), high(seed)});
  mixed = philox4x32(mixed, {purpose, 0x74726F75});
  key_ = {mixed[0], mixed[1]};
  counter_ = {0, 0, mixed[2], mixed[3]};
}

std::array<std::uint32_t, 4> random_blocks::operator[](
    std::uint64_t number) const noexcept {
  return philox4x32({low(number), high(number), upper[0], upper[1]}, key);
}

random_blocks random_stream::blocks() const noexcept {
  return {key_, {counter_[2], counter_[3]}};
}

void random_stream::refill() noexcept {
  block_ = philox4x32(counter_, key_);
  used_ = 0;
  if (++counter_[0] == 0)
    ++counter_[1];
}

std::uint32_t random_stream::next() noexcept {
  if (used_ == block_.size())
    refill();
  return block_[used_++];
}

double random_stream::uniform() noexcept {
  auto upper = std::uint64_t{next()} << 32;
  auto bits = (upper | next()) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

double random_stream::normal() noexcept {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  // 1 - u lies in (0, 1], so the logarithm is finite.
  auto radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  auto angle = 2.0 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

double random_stream::gamma(double shape) noexcept {
  assert(shape > 0.0 && "gamma needs a positive shape");
  if (shape < 1.0) {
    auto boosted = gamma(shape + 1.0);
    return boosted * std::pow(1.0 - uniform(), 1.0 / shape);
  }
  auto d = shape - 1.0 / 3.0;
  auto c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    auto x = normal();
    auto v = 1.0 + c * x;
    if (v <= 0.0)
      continue;
    v = v * v * v;
    auto u = 1.0 - uniform();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v))
      return d * v;
  }
}

std::uint32_t random_stream::below(std::uint32_t bound) noexcept {
  assert(bound > 0 && "nothing is below 0");
  auto product = std::uint64_t{next()} * bound;
  if (low(product) < bound) {
    auto threshold = (0u - bound) % bound;
    while (low(product) < threshold)
      product = std::uint64_t{next()} * bound;
  }
  return high(product);
}

void random_stream::shuffle(std::span<std::uint32_t> items) noexcept {
  for (auto left = static_cast<std::uint32_t>(items.size()); left > 1; --left)
    std::swap(items[left - 1], items[below(left)]);
}

} // namespace troupe::gpu
