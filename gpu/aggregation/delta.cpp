#include "gpu/aggregation/delta.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <limits>

#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/copy.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/presence.hpp"
#include "gpu/operators/vectors.hpp"

namespace troupe::gpu {
namespace {

using fixed_point::magnitude;

float finite_or_nan(std::int32_t largest) noexcept {
  return largest < fixed_point::infinity_bits
             ? std::bit_cast<float>(largest)
             : std::numeric_limits<float>::quiet_NaN();
}

// Several maxima side by side: one would wait for itself.
[[gnu::always_inline]] inline std::int32_t largest_of(
    std::span<const float> values) noexcept {
  constexpr std::size_t width = 32;
  std::array<std::int32_t, width> top{};
  std::size_t i = 0;
  for (; i + width <= values.size(); i += width)
    for (std::size_t k = 0; k < width; ++k)
      top[k] = std::max(top[k], magnitude(values[i + k]));
  for (; i < values.size(); ++i)
    top[0] = std::max(top[0], magnitude(values[i]));
  return *std::max_element(top.begin(), top.end());
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] std::int32_t largest_by_avx2(
    std::span<const float> values) noexcept {
  return largest_of(values);
}
#endif

} // namespace

float to_delta(std::span<float> trained, std::span<const float> given) {
  assert(trained.size() == given.size() && "a delta pairs equal blocks");
  std::int32_t top = 0;
  float* __restrict__ out = trained.data();
  const float* __restrict__ base = given.data();
  for (std::size_t i = 0; i < trained.size(); ++i) {
    float d = out[i] - base[i];
    out[i] = d;
    auto bits = magnitude(d);
    top = bits > top ? bits : top;
  }
  return finite_or_nan(top);
}

float to_delta(
    device_stream& on, std::span<float> trained, std::span<const float> given) {
  assert(trained.size() == given.size() && "a delta pairs equal blocks");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return finite_or_nan(cuda::to_delta(on, trained, given));
  return to_delta(trained, given);
}

// Factors of one and minus one round nothing, so a GPU needs no kernel for it.
void rebase(device_stream& on, std::span<const float> given,
    std::span<const float> delta, std::span<const float> current,
    std::span<float> out) {
  assert(given.size() == out.size() && delta.size() == out.size() &&
         current.size() == out.size() && "a delta pairs equal blocks");
  if (on.on_gpu()) {
    if (out.data() != delta.data())
      copy(on, delta, out);
    scale_and_add(on, 1.0f, given, 1.0f, out);
    return scale_and_add(on, -1.0f, current, 1.0f, out);
  }
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = (given[i] + delta[i]) - current[i];
}

float largest_difference(std::span<const float> a, std::span<const float> b) {
  assert(a.size() == b.size() && "a difference pairs equal blocks");
  std::int32_t top = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto bits = magnitude(a[i] - b[i]);
    top = bits > top ? bits : top;
  }
  return finite_or_nan(top);
}

float largest_magnitude(device_stream& on, std::span<const float> values) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return finite_or_nan(cuda::largest(on, values));
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  if (wide)
    return finite_or_nan(largest_by_avx2(values));
#endif
  return finite_or_nan(largest_of(values));
}

} // namespace troupe::gpu
