#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace troupe::gpu {

/// What collectives move and add. Append-only: it goes over the wire.
enum class element : std::uint8_t { f32, bf16, i64 };
inline constexpr std::uint8_t element_types = 3;
const char* to_string(element type) noexcept;
std::size_t bytes_of(element type) noexcept;

/// How collectives add. Append-only. `average` divides the sum by the ranks;
/// for integers it rounds as it likes.
enum class reduction : std::uint8_t { sum, product, maximum, minimum, average };
inline constexpr std::uint8_t reductions = 5;
const char* to_string(reduction how) noexcept;

/// By which the ranks of one communicator know each other: made by one of them
/// and told to the others. Holds an address, so it is for the cluster's eyes.
struct communicator_id {
  std::array<std::uint8_t, 128> bytes{};
  friend bool operator==(
      const communicator_id&, const communicator_id&) = default;
};

/// Elements of one type in a row on one device, to be written; a view.
struct typed_span {
  void* data = nullptr;
  std::size_t count = 0;
  element type = element::f32;

  typed_span() = default;
  typed_span(void* first, std::size_t n, element of) noexcept
      : data(first), count(n), type(of) {}
  typed_span(std::span<float> x) noexcept
      : typed_span(x.data(), x.size(), element::f32) {}
  typed_span(std::span<std::int64_t> x) noexcept
      : typed_span(x.data(), x.size(), element::i64) {}
};

/// Like `typed_span`, to be read.
struct const_typed_span {
  const void* data = nullptr;
  std::size_t count = 0;
  element type = element::f32;

  const_typed_span() = default;
  const_typed_span(const void* first, std::size_t n, element of) noexcept
      : data(first), count(n), type(of) {}
  const_typed_span(typed_span x) noexcept
      : const_typed_span(x.data, x.count, x.type) {}
  const_typed_span(std::span<const float> x) noexcept
      : const_typed_span(x.data(), x.size(), element::f32) {}
  const_typed_span(std::span<const std::int64_t> x) noexcept
      : const_typed_span(x.data(), x.size(), element::i64) {}
  const_typed_span(std::span<float> x) noexcept
      : const_typed_span(typed_span{x}) {}
  const_typed_span(std::span<std::int64_t> x) noexcept
      : const_typed_span(typed_span{x}) {}
};

} // namespace troupe::gpu
