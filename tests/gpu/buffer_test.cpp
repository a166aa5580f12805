#include "gpu/buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace troupe::gpu {
namespace {

TEST(buffer_test, an_empty_one_holds_nothing) {
  const buffer none;

  EXPECT_EQ(none.size(), 0u);
  EXPECT_TRUE(none.span().empty());
  EXPECT_EQ(buffer{0}.size(), 0u);
}

TEST(buffer_test, is_aligned_to_cache_lines_small_or_large) {
  for (std::size_t size : {1u, 1000u, 3'000'000u}) {
    buffer values{size};

    EXPECT_EQ(values.bytes(), 4 * size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(values.span().data()) % 64, 0u);
    std::ranges::fill(values.span(), 1.0f);
  }
}

TEST(buffer_test, moves_and_leaves_an_empty_one_behind) {
  buffer from{3};
  from.span()[2] = 7.0f;

  buffer to{std::move(from)};
  buffer last;
  last = std::move(to);

  EXPECT_EQ(last.span()[2], 7.0f);
  EXPECT_EQ(from.size(), 0u);
  EXPECT_EQ(to.size(), 0u);
}

TEST(buffer_test, more_than_any_memory_is_refused) {
  EXPECT_THROW(buffer{std::size_t{1} << 62}, std::bad_alloc);
}

} // namespace
} // namespace troupe::gpu
