#include "protocols/cluster/frames.hpp"

#include <string>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/message.hpp>
#include <caf/system_messages.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "protocols/messages.hpp"

namespace troupe::cluster {
namespace {

template <class What>
caf::byte_buffer bytes_of(const What& what) {
  register_messages();
  caf::byte_buffer result;
  caf::binary_serializer sink{nullptr, result};
  EXPECT_TRUE(sink.apply(what)) << caf::to_string(sink.get_error());
  return result;
}

std::string digits_of(const caf::byte_buffer& bytes) {
  std::string text;
  for (auto byte : bytes)
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

bool is_read(const caf::byte_buffer& bytes, frame& what) {
  caf::binary_deserializer source{nullptr, bytes};
  return source.apply(what) && source.remaining() == 0;
}

// Its bytes stay what they are, and are read back to the same.
void expect_golden(const frame& what, const std::string& golden) {
  const auto bytes = bytes_of(what);
  EXPECT_EQ(digits_of(bytes), golden);
  frame copy;
  ASSERT_TRUE(is_read(bytes, copy));
  EXPECT_EQ(copy.index(), what.index());
  EXPECT_EQ(digits_of(bytes_of(copy)), golden);
}

TEST(frames_test, keep_their_bytes) {
  const tensor lent{std::make_shared<const gpu::buffer>(3), 7};
  const std::string handle = "00000000000000070000000000000003";

  expect_golden(hello{errand::courier, "a", 7, "b", 0.5},
      "00000190"           // type of the frame
      "01"                 // errand
      "0161"               // name
      "0000000000000007"   // session
      "0162"               // build
      "3fe0000000000000"); // silence
  expect_golden(refusal{"no"}, "");
  expect_golden(seated{{1, 2, 3, 0.5, 4, lent}, 5, 6}, "");
  expect_golden(score{1, 2, 3, lent, 4}, "");
  expect_golden(release{7}, "");
  expect_golden(arrived{7}, "");
  expect_golden(drain{}, "");
  expect_golden(farewell{"bye", true, 130}, "");
  expect_golden(beat{3}, "");
  report said{"a", "b", 1, 2, 3, 4, true, "c", 0.5, {}, {"d"}};
  said.nodes.push_back({"e", "member", 0.5, 1, 2, 3, "f", "g"});
  expect_golden(said, "");
  expect_golden(ready{{0, 1}, "cpu", {}}, "");
  expect_golden(welcome{"a", 2, "c", {}, "cpu"}, "");
}

// What CAF itself would carry out.
TEST(frames_test, are_no_messages_of_the_actor_system) {
  const auto kill = bytes_of(caf::make_message(
      caf::exit_msg{caf::actor_addr{}, caf::exit_reason::kill}));
  frame what;

  EXPECT_FALSE(is_read(kill, what));
}

TEST(frames_test, are_read_whole_or_not_at_all) {
  const auto bytes = bytes_of(frame{seated{{1, 2, 3, 0.5, 4, {}}, 5, 6}});
  frame what;

  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(
        is_read({bytes.begin(), bytes.begin() + std::ptrdiff_t(size)}, what))
        << size;
  auto longer = bytes;
  longer.push_back(caf::byte{0});
  EXPECT_FALSE(is_read(longer, what));
  auto other = bytes;
  other[0] = caf::byte{0xff};
  EXPECT_FALSE(is_read(other, what));
}

// Of a tensor's bytes nothing travels; one of this process does not at all.
TEST(frames_test, refuse_a_tensor_that_was_not_lent) {
  register_messages();
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  const tensor own{std::make_shared<const gpu::buffer>(3)};

  EXPECT_FALSE(sink.apply(frame{score{1, 2, 3, own, 4}}));
}

TEST(frames_test, know_every_errand_by_name) {
  for (std::uint8_t value = 0; value < 4; ++value) {
    errand one{}, back{};
    ASSERT_TRUE(from_integer(value, one));
    EXPECT_TRUE(from_string(to_string(one), back));
    EXPECT_EQ(back, one);
  }
  errand none{};
  EXPECT_FALSE(from_integer(4, none));
  EXPECT_FALSE(from_string("errands", none));
}

} // namespace
} // namespace troupe::cluster
