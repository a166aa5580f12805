#include "gpu/collective/sums.hpp"

#include "gpu/host/instruction_set.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace troupe::gpu {
namespace {

// A brain float, rounded to the nearest, to even.
struct bf16 {
  std::uint16_t bits = 0;

  float value() const noexcept {
    return std::bit_cast<float>(std::uint32_t{bits} << 16);
  }
  static bf16 of(float x) noexcept {
    auto all = std::bit_cast<std::uint32_t>(x);
    if (std::isnan(x))
      return {static_cast<std::uint16_t>((all >> 16) | 0x40u)};
    all += 0x7fffu + ((all >> 16) & 1u);
    return {static_cast<std::uint16_t>(all >> 16)};
  }
};

template <class T>
T of_two(reduction how, T a, T b) noexcept {
  switch (how) {
  case reduction::product:
    return a * b;
  case reduction::maximum:
    return a > b ? a : b;
  case reduction::minimum:
    return a < b ? a : b;
  default:
    return a + b;
  }
}

// As on a processor without overflow's surprises.
std::int64_t of_two(reduction how, std::int64_t a, std::int64_t b) noexcept {
  const auto x = static_cast<std::uint64_t>(a);
  const auto y = static_cast<std::uint64_t>(b);
  switch (how) {
  case reduction::product:
    return static_cast<std::int64_t>(x * y);
  case reduction::maximum:
    return std::max(a, b);
  case reduction::minimum:
    return std::min(a, b);
  default:
    return static_cast<std::int64_t>(x + y);
  }
}

bf16 of_two(reduction how, bf16 a, bf16 b) noexcept {
  return bf16::of(of_two(how, a.value(), b.value()));
}

template <class T>
void any(
    reduction how, const void* a, const void* b, void* to, std::size_t count) {
  const auto* x = static_cast<const T*>(a);
  const auto* y = static_cast<const T*>(b);
  auto* z = static_cast<T*>(to);
  for (std::size_t i = 0; i < count; ++i)
    z[i] = of_two(how, x[i], y[i]);
}

// Written once, compiled for each set of instructions: an addition is rounded
// alike by all of them.
[[gnu::always_inline]] inline void add_loop(
    const float* a, const float* b, float* to, std::size_t count) {
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i)
    to[i] = a[i] + b[i];
}

using adder = void (*)(const float*, const float*, float*, std::size_t);

void add_plainly(const float* a, const float* b, float* to, std::size_t count) {
  add_loop(a, b, to, count);
}
#if defined(__x86_64__)
[[gnu::target("avx2")]] void add_by_eight(
    const float* a, const float* b, float* to, std::size_t count) {
  add_loop(a, b, to, count);
}
[[gnu::target("avx512f,prefer-vector-width=512")]] void add_by_sixteen(
    const float* a, const float* b, float* to, std::size_t count) {
  add_loop(a, b, to, count);
}
#endif

adder choose() noexcept {
#if defined(__x86_64__)
  switch (host::instructions()) {
  case host::instruction_set::avx512:
    return add_by_sixteen;
  case host::instruction_set::avx2:
    return add_by_eight;
  default:
    break;
  }
#endif
  return add_plainly;
}

void add_floats(const void* a, const void* b, void* to, std::size_t count) {
  static const auto best = choose();
  best(static_cast<const float*>(a), static_cast<const float*>(b),
      static_cast<float*>(to), count);
}

// So much of every term at a time: what is added stays in the first cache.
constexpr std::size_t tile = 2048; // bytes
constexpr std::size_t deepest = 32;

const std::byte* bytes(const void* from, std::size_t at) {
  return static_cast<const std::byte*>(from) + at;
}

} // namespace

void combine(reduction how, element type, const void* a, const void* b,
    void* to, std::size_t count) {
  const bool sum = how == reduction::sum || how == reduction::average;
  switch (type) {
  case element::f32:
    return sum ? add_floats(a, b, to, count) : any<float>(how, a, b, to, count);
  case element::bf16:
    return any<bf16>(how, a, b, to, count);
  case element::i64:
    return any<std::int64_t>(how, a, b, to, count);
  }
}

void combine_in_order(reduction how, element type,
    std::span<const void* const> terms, sum_order order,
    std::span<void* const> to, std::size_t count) {
  const auto each = bytes_of(type);
  alignas(64) std::array<std::array<std::byte, tile>, deepest> sums;
  std::array<const void*, deepest> waiting{};
  for (std::size_t at = 0; at < count * each; at += tile) {
    const auto some = std::min(tile, count * each - at);
    std::size_t height = 0;
    for (std::size_t i = 0; i < order.size(); ++i)
      if (order[i] != plus) {
        waiting[height++] =
            bytes(terms[static_cast<std::size_t>(order[i])], at);
      } else {
        const bool last = i + 1 == order.size();
        --height;
        void* result = last ? static_cast<std::byte*>(to[0]) + at
                            : sums[height - 1].data();
        combine(how, type, waiting[height - 1], waiting[height], result,
            some / each);
        waiting[height - 1] = result;
      }
    for (auto* target : to)
      if (auto* here = static_cast<std::byte*>(target) + at; here != waiting[0])
        std::memcpy(here, waiting[0], some);
  }
}

void divide(element type, void* data, std::size_t count, std::uint32_t by) {
  switch (type) {
  case element::f32:
    for (auto* x = static_cast<float*>(data); count > 0; --count, ++x)
      *x /= static_cast<float>(by);
    return;
  case element::bf16:
    for (auto* x = static_cast<bf16*>(data); count > 0; --count, ++x)
      *x = bf16::of(x->value() / static_cast<float>(by));
    return;
  case element::i64:
    for (auto* x = static_cast<std::int64_t*>(data); count > 0; --count, ++x)
      *x /= static_cast<std::int64_t>(by);
    return;
  }
}

} // namespace troupe::gpu
