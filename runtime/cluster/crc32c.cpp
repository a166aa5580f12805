#include "runtime/cluster/crc32c.hpp"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace troupe::cluster {
namespace {

using table = std::array<std::uint32_t, 256>;

constexpr std::uint32_t polynomial = 0x82f63b78; // reflected

// tables[k][b]: what byte b does to a checksum k bytes later.
constexpr std::array<table, 8> make_tables() {
  std::array<table, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    auto crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  return tables;
}

constexpr auto tables = make_tables();

std::uint64_t load(const std::byte* from) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

#if defined(__x86_64__)

// What `zeros` bytes of zero do to a checksum: a linear map, as one table for
// each of its four bytes.
constexpr std::array<table, 4> make_skip(std::size_t zeros) {
  using matrix = std::array<std::uint32_t, 32>; // the image of each bit
  constexpr auto apply = [](const matrix& m, std::uint32_t crc) {
    std::uint32_t image = 0;
    for (std::size_t bit = 0; crc != 0; ++bit, crc >>= 1)
      image ^= (crc & 1) != 0 ? m[bit] : 0;
    return image;
  };
  matrix step{polynomial}; // one bit of zero
  for (std::size_t bit = 1; bit < 32; ++bit)
    step[bit] = std::uint32_t{1} << (bit - 1);
  for (std::size_t bits = 1; bits < 8 * zeros; bits *= 2) {
    matrix twice{};
    for (std::size_t bit = 0; bit < 32; ++bit)
      twice[bit] = apply(step, step[bit]);
    step = twice;
  }
  std::array<table, 4> skip{};
  for (std::size_t k = 0; k < 4; ++k)
    for (std::uint32_t byte = 0; byte < 256; ++byte)
      skip[k][byte] = apply(step, byte << (8 * k));
  return skip;
}

// x to the power of n, as carry-less products of reflected words take it.
constexpr std::uint64_t power(std::size_t n) {
  std::uint32_t crc = 0x80000000;
  for (; n > 0; --n)
    crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
  return std::uint64_t{crc} << 1;
}

// A power of two.
template <std::size_t Zeros>
std::uint32_t skip(std::uint64_t crc) noexcept {
  static_assert(std::has_single_bit(Zeros));
  static constexpr auto by_byte = make_skip(Zeros);
  return by_byte[0][crc & 0xff] ^ by_byte[1][(crc >> 8) & 0xff] ^
         by_byte[2][(crc >> 16) & 0xff] ^ by_byte[3][(crc >> 24) & 0xff];
}

// The instruction takes three cycles, and one can begin in each: three runs of
// `Run` bytes side by side.
template <std::size_t Run>
__attribute__((target("sse4.2"))) std::uint64_t three_runs(
    const std::byte*& at, std::size_t& left, std::uint64_t crc) noexcept {
  for (; left >= 3 * Run; at += 3 * Run, left -= 3 * Run) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < Run; i += 8) {
      crc = _mm_crc32_u64(crc, load(at + i));
      second = _mm_crc32_u64(second, load(at + Run + i));
      third = _mm_crc32_u64(third, load(at + 2 * Run + i));
    }
    crc = skip<Run>(skip<Run>(crc) ^ second) ^ third;
  }
  return crc;
}

// Moves 256 bytes at a time over the next ones, which have the same checksum
// then (Gopal et al. 2009), until 256 are left to be summed.
__attribute__((target("avx512f,vpclmulqdq,sse4.2"))) std::uint64_t folded(
    const std::byte*& at, std::size_t& left, std::uint64_t crc) noexcept {
  constexpr std::size_t width = 256;
  constexpr auto low = static_cast<long long>(power(8 * width + 32));
  constexpr auto high = static_cast<long long>(power(8 * width - 32));
  const auto by = _mm512_set4_epi64(high, low, high, low);
  __m512i sum[4];
  std::memcpy(sum, at, sizeof sum);
  sum[0] = _mm512_xor_si512(sum[0],
      _mm512_zextsi128_si512(_mm_cvtsi64_si128(static_cast<long long>(crc))));
  for (at += width, left -= width; left >= width; at += width, left -= width)
    for (std::size_t i = 0; i < 4; ++i)
      sum[i] =
          _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(sum[i], by, 0x00),
              _mm512_clmulepi64_epi128(sum[i], by, 0x11),
              _mm512_loadu_si512(at + 64 * i), 0x96);
  std::uint64_t rest[4 * 8];
  std::memcpy(rest, sum, sizeof rest);
  crc = 0;
  for (auto word : rest)
    crc = _mm_crc32_u64(crc, word);
  return crc;
}

bool folds() noexcept {
  static const bool can = __builtin_cpu_supports("avx512f") != 0 &&
                          __builtin_cpu_supports("vpclmulqdq") != 0;
  return can;
}

__attribute__((target("sse4.2"))) std::uint32_t by_processor(
    std::span<const std::byte> bytes, std::uint32_t so_far) noexcept {
  const auto* at = bytes.data();
  auto left = bytes.size();
  std::uint64_t crc = ~so_far;
  if (left >= 1024 && folds())
    crc = folded(at, left, crc);
  crc = three_runs<4096>(at, left, crc);
  crc = three_runs<256>(at, left, crc);
  for (; left >= 8; at += 8, left -= 8)
    crc = _mm_crc32_u64(crc, load(at));
  auto rest = static_cast<std::uint32_t>(crc);
  for (; left > 0; ++at, --left)
    rest = _mm_crc32_u8(rest, std::to_integer<std::uint8_t>(*at));
  return ~rest;
}

#endif

} // namespace

std::uint32_t crc32c_by_tables(
    std::span<const std::byte> bytes, std::uint32_t so_far) noexcept {
  static_assert(std::endian::native == std::endian::little);
  const auto* at = bytes.data();
  auto left = bytes.size();
  auto crc = ~so_far;
  for (; left >= 8; at += 8, left -= 8) {
    const auto word = load(at) ^ crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k)
      crc ^= tables[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; left > 0; ++at, --left)
    crc = (crc >> 8) ^
          tables[0][(crc ^ std::to_integer<std::uint32_t>(*at)) & 0xff];
  return ~crc;
}

std::uint32_t crc32c(
    std::span<const std::byte> bytes, std::uint32_t so_far) noexcept {
#if defined(__x86_64__)
  static const bool can = __builtin_cpu_supports("sse4.2") != 0;
  if (can)
    return by_processor(bytes, so_far);
#endif
  return crc32c_by_tables(bytes, so_far);
}

} // namespace troupe::cluster
