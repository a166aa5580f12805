#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace troupe::gpu {

/// What collectives move and add. Append-only: it goes over the wire.
enum class element : std::uint8_t { f32, bf16, i64 };
inline constexpr std::uint8_t elements = 3;
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
struct block {
  void* data = nullptr;
  std::size_t count = 0;
  element type = element::f32;

  block() = default;
  block(void* first, std::size_t n, element of) noexcept
      : data(first), count(n), type(of) {}
  block(std::span<float> x) noexcept
      : block(x.data(), x.size(), element::f32) {}
  block(std::span<std::int64_t> x) noexcept
      : block(x.data(), x.size(), element::i64) {}
};

/// Like `block`, to be read.
struct const_block {
  const void* data = nullptr;
  std::size_t count = 0;
  element type = element::f32;

  const_block() = default;
  const_block(const void* first, std::size_t n, element of) noexcept
      : data(first), count(n), type(of) {}
  const_block(block x) noexcept : const_block(x.data, x.count, x.type) {}
  const_block(std::span<const float> x) noexcept
      : const_block(x.data(), x.size(), element::f32) {}
  const_block(std::span<const std::int64_t> x) noexcept
      : const_block(x.data(), x.size(), element::i64) {}
  const_block(std::span<float> x) noexcept : const_block(block{x}) {}
  const_block(std::span<std::int64_t> x) noexcept : const_block(block{x}) {}
};

} // namespace troupe::gpu
