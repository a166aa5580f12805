#include "runtime/data/idx.hpp"

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/data/idx_content.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;
using data::idx_array;
using testing::HasSubstr;
using testing::StartsWith;

using bytes = std::vector<std::uint8_t>;
using floats = std::vector<float>;

idx_array parse(std::string_view content) {
  return data::parse_idx(
      std::as_bytes(std::span{content.data(), content.size()}), "a.idx");
}

// What reading says of content that it refuses.
std::string complaint(std::string_view content) {
  try {
    parse(content);
  } catch (const bad_file& error) {
    return error.what();
  }
  return "nothing";
}

TEST(idx_test, reads_bytes) {
  auto array = parse(idx_bytes({2, 3}, "abcdef"));

  EXPECT_EQ(array.shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(
      std::get<bytes>(array.values), (bytes{'a', 'b', 'c', 'd', 'e', 'f'}));
}

TEST(idx_test, reads_floats) {
  auto array = parse(idx_floats({3}, {1.5f, -2.25f, 1e-40f}));

  EXPECT_EQ(std::get<floats>(array.values), (floats{1.5f, -2.25f, 1e-40f}));
}

TEST(idx_test, reads_packed_content_as_plain) {
  auto plain = idx_bytes({70'000}, std::string(70'000, 'x'));

  auto array = parse(packed(plain));

  EXPECT_EQ(std::get<bytes>(array.values), bytes(70'000, 'x'));
}

// As `cat a.gz b.gz`, pigz and bgzip make them.
TEST(idx_test, reads_every_member_of_packed_content) {
  auto plain = idx_bytes({70'000}, std::string(70'000, 'x'));

  for (std::size_t cut : {0u, 3u, 8u, 40'000u, 70'008u}) {
    auto array = parse(
        packed(plain.substr(0, cut)) + packed("") + packed(plain.substr(cut)));

    EXPECT_EQ(std::get<bytes>(array.values), bytes(70'000, 'x')) << cut;
  }
}

TEST(idx_test, refuses_what_is_wrong_with_a_later_member) {
  auto plain = idx_bytes({8}, "abcdefgh");
  auto first = packed(plain.substr(0, 10));
  auto second = packed(plain.substr(10));

  for (std::size_t length = 0; length < second.size(); ++length)
    EXPECT_THROW(parse(first + second.substr(0, length)), bad_file) << length;
  EXPECT_THAT(complaint(first + second + packed("x")),
      HasSubstr("byte 16: expected the end, more bytes follow (offset after "
                "unpacking)"));
  EXPECT_THAT(complaint(first + second + "x"),
      HasSubstr("expected the end of the gzip data, more bytes follow"));
}

TEST(idx_test, reads_arrays_without_values) {
  EXPECT_EQ(parse(idx_bytes({0}, "")).shape, std::vector<std::size_t>{0});
  EXPECT_EQ(parse(idx_bytes({0xffffffff, 0, 0xffffffff}, "")).shape.size(), 3u);
}

TEST(idx_test, refuses_every_truncation) {
  for (const auto& plain :
      {idx_bytes({2, 3}, "abcdef"), idx_floats({2}, {1.0f, 2.0f})}) {
    for (std::size_t length = 0; length < plain.size(); ++length)
      EXPECT_THROW(parse(plain.substr(0, length)), bad_file) << length;
    auto zip = packed(plain);
    for (std::size_t length = 0; length < zip.size(); ++length)
      EXPECT_THROW(parse(zip.substr(0, length)), bad_file) << length;
  }
}

TEST(idx_test, refuses_every_flipped_byte_of_packed_content) {
  auto good = packed(idx_bytes({8}, "abcdefgh"));
  for (std::size_t i = 10; i < good.size(); ++i) { // behind gzip's own header
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);

    EXPECT_THROW(parse(bad), bad_file) << i;
  }
}

TEST(idx_test, says_where_the_file_ends) {
  EXPECT_EQ(complaint(std::string("\0\0\x08", 3)),
      "a.idx: byte 3: expected 4 bytes of IDX header, the file ends after 3");
  EXPECT_EQ(complaint(idx_bytes({2, 3}, "abcde")),
      "a.idx: byte 4: expected 2 x 3 values, the file is too short for so "
      "many");
}

TEST(idx_test, says_what_is_no_idx_file) {
  EXPECT_THAT(complaint("# README"),
      StartsWith("a.idx: byte 0: expected an IDX file, which begins with two "
                 "zero bytes, found 23 20"));
  EXPECT_THAT(complaint(idx_header(0x42, {1})),
      HasSubstr("byte 2: expected unsigned bytes (8) or floats (13), found "
                "type 66"));
  EXPECT_THAT(complaint(idx_header(0x0C, {1}) + "0000"),
      HasSubstr("expected unsigned bytes (8) or floats (13), found 32-bit "
                "integers (12)"));
  EXPECT_THAT(complaint(idx_header(0x08, {})),
      HasSubstr("byte 3: expected 1 to 8 dimensions, found 0"));
  EXPECT_THAT(complaint(idx_header(0x08, {1, 1, 1, 1, 1, 1, 1, 1, 1}) + "x"),
      HasSubstr("found 9"));
}

TEST(idx_test, refuses_more_bytes_than_the_header_says) {
  auto longer = idx_bytes({2}, "abc");

  EXPECT_EQ(
      complaint(longer), "a.idx: byte 10: expected the end, more bytes follow");
  EXPECT_EQ(complaint(packed(longer)),
      "a.idx: byte 10: expected the end, more bytes follow (offset after "
      "unpacking)");
  EXPECT_THAT(complaint(packed(idx_bytes({2}, "ab")) + "x"),
      HasSubstr("expected the end of the gzip data, more bytes follow"));
}

TEST(idx_test, refuses_huge_sizes_without_taking_memory) {
  auto most = std::numeric_limits<std::uint32_t>::max();
  for (const auto& header : {idx_header(0x08, {most}),
           idx_header(0x0D, {most, most}), idx_header(0x08, {most, most, most}),
           idx_header(0x0D, {1u << 31, 1u << 31}),
           idx_header(0x08, {1u << 16, 1u << 16, 1u << 16, 1u << 16})}) {
    EXPECT_THAT(complaint(header), HasSubstr("too short for so many"));
    EXPECT_THAT(complaint(packed(header)), HasSubstr("too short for so many"));
  }
}

TEST(idx_test, refuses_values_that_are_not_finite) {
  auto nan = std::numeric_limits<float>::quiet_NaN();

  EXPECT_EQ(complaint(idx_floats({2}, {0.0f, nan})),
      "a.idx: byte 12: expected a finite value, found nan");
  EXPECT_THAT(complaint(idx_floats({1}, {-1.0f / 0.0f})), HasSubstr("-inf"));
}

} // namespace
