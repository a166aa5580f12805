#include "runtime/cluster/frame_reader.hpp"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "tests/runtime/cluster/wire.hpp"

namespace troupe::cluster {
namespace {

using namespace tests;

void feed(frame_reader& to, const std::string& bytes) {
  const auto room = to.room();
  ASSERT_GE(room.size(), bytes.size());
  std::memcpy(room.data(), bytes.data(), bytes.size());
  to.came(bytes.size());
}

TEST(frame_reader_test, has_a_frame_once_its_last_byte_is_there) {
  const auto all = preamble() + framed(release{7}) + framed(release{8});
  frame_reader reader{4096, 65536};
  std::vector<std::uint64_t> found;

  for (const char each : all) {
    feed(reader, {each});
    while (auto what = reader.next())
      found.push_back(std::get<release>(*what).what);
  }

  EXPECT_EQ(found, (std::vector<std::uint64_t>{7, 8}));
  EXPECT_TRUE(reader.rest().empty());
  EXPECT_EQ(reader.fault(), "");
}

TEST(frame_reader_test, has_all_its_room_again_once_it_forgets) {
  frame_reader reader{4096, 65536};
  const auto whole = reader.room().size();
  feed(reader, preamble() + length(4000) + std::string(3000, 'x'));
  EXPECT_FALSE(reader.next());
  EXPECT_LT(reader.room().size(), 2000u);

  reader.forget();

  EXPECT_EQ(reader.room().size(), whole);
}

} // namespace
} // namespace troupe::cluster
