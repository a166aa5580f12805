#include "runtime/cluster/crc32c.hpp"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/random.hpp"

namespace troupe::cluster {
namespace {

std::vector<std::byte> noise(std::size_t size) {
  auto random = gpu::random_stream{7, gpu::stream::user};
  std::vector<std::byte> bytes(size);
  for (auto& byte : bytes)
    byte = static_cast<std::byte>(random.below(256));
  return bytes;
}

// Bit by bit, as the polynomial says.
std::uint32_t plain(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xffffffff;
  for (auto byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

void expect_both(std::span<const std::byte> bytes, std::uint32_t expected) {
  EXPECT_EQ(crc32c(bytes), expected);
  EXPECT_EQ(crc32c_by_tables(bytes), expected);
}

// RFC 3720, B.4, and the check value of the catalogue of CRCs.
TEST(crc32c_test, gives_the_published_values) {
  std::vector<std::byte> ascending(32);
  for (std::size_t i = 0; i < 32; ++i)
    ascending[i] = static_cast<std::byte>(i);
  const std::vector<std::byte> descending{ascending.rbegin(), ascending.rend()};
  const std::string_view digits = "123456789";

  expect_both(std::vector<std::byte>(32), 0x8a9136aa);
  expect_both(std::vector<std::byte>(32, std::byte{0xff}), 0x62a8ab43);
  expect_both(ascending, 0x46dd794e);
  expect_both(descending, 0x113fdb5c);
  expect_both(std::as_bytes(std::span{digits}), 0xe3069283);
  expect_both({}, 0);
}

TEST(crc32c_test, agrees_with_the_bits_at_any_size_and_alignment) {
  const auto bytes = noise(40'000);

  for (std::size_t at : {0, 1, 3, 8})
    for (std::size_t size : {1, 7, 8, 9, 767, 768, 769, 4096, 12'287, 12'288,
             12'289, 12'288 + 768 + 9, 39'000})
      expect_both(std::span{bytes}.subspan(at, size),
          plain(std::span{bytes}.subspan(at, size)));
}

TEST(crc32c_test, goes_on_from_what_came_before) {
  const auto bytes = noise(30'000);
  const std::span whole{bytes};

  for (std::size_t cut : {0, 1, 13, 12'288, 29'999}) {
    const auto first = crc32c(whole.first(cut));
    const auto first_by_tables = crc32c_by_tables(whole.first(cut));

    EXPECT_EQ(crc32c(whole.subspan(cut), first), plain(whole));
    EXPECT_EQ(
        crc32c_by_tables(whole.subspan(cut), first_by_tables), plain(whole));
  }
}

TEST(crc32c_test, notices_any_flipped_bit) {
  auto bytes = noise(1'000);
  const auto before = crc32c(bytes);

  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(crc32c(bytes), before) << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

} // namespace
} // namespace troupe::cluster
