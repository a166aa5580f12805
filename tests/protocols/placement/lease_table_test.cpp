#include "protocols/placement/lease_table.hpp"

#include <map>

#include <gtest/gtest.h>

#include "gpu/random.hpp"

namespace troupe::placement {
namespace {

TEST(lease_table_test, is_empty_at_first) {
  lease_table<int> table;

  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.size(), 0u);
}

TEST(lease_table_test, finds_what_was_put_in) {
  lease_table<int> table;
  table.insert(7, 70);
  table.insert(7 + 16, 230); // the same place

  EXPECT_EQ(*table.find(7), 70);
  EXPECT_EQ(*table.find(23), 230);
  EXPECT_EQ(table.find(39), nullptr);
}

TEST(lease_table_test, finds_what_stood_behind_one_that_left) {
  lease_table<int> table;
  for (lease_id i : {15, 31, 47})
    table.insert(i, static_cast<int>(i)); // 15, 0 and 1 of 16 places

  EXPECT_EQ(table.take(15), 15);

  EXPECT_EQ(*table.find(31), 31);
  EXPECT_EQ(*table.find(47), 47);
  EXPECT_EQ(table.size(), 2u);
}

TEST(lease_table_test, does_as_a_map_does) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    gpu::random_stream random{seed, gpu::stream::user, 0};
    lease_table<std::uint64_t> table;
    std::map<lease_id, std::uint64_t> twin;
    for (int i = 0; i < 1000; ++i) {
      const auto lease = first_lease(seed) + random.below(1 + i / 4);
      if (twin.contains(lease)) {
        ASSERT_EQ(*table.find(lease), twin[lease]);
        ASSERT_EQ(table.take(lease), twin[lease]);
        twin.erase(lease);
      } else {
        ASSERT_EQ(table.find(lease), nullptr);
        table.insert(lease, i);
        twin[lease] = i;
      }
      ASSERT_EQ(table.size(), twin.size());
    }
    std::map<lease_id, std::uint64_t> left;
    table.for_each([&](lease_id lease, auto value) { left[lease] = value; });
    ASSERT_EQ(left, twin);
  }
}

} // namespace
} // namespace troupe::placement
