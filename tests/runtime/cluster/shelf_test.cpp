#include "runtime/cluster/shelf.hpp"

#include <set>

#include <gtest/gtest.h>

#include "runtime/cluster/crc32c.hpp"

namespace troupe::cluster {
namespace {

std::shared_ptr<gpu::buffer> ascending(std::size_t count) {
  auto block = std::make_shared<gpu::buffer>(count);
  for (std::size_t i = 0; i < count; ++i)
    block->span()[i] = static_cast<float>(i);
  return block;
}

TEST(shelf_test, lends_under_ids_of_their_own_until_released) {
  shelf one;
  const auto block = ascending(10);
  std::set<tensor_id> ids;

  for (int i = 0; i < 100; ++i) {
    const auto lent = one.lend(block);
    EXPECT_EQ(lent.here, block);
    EXPECT_EQ(lent.count, 10u);
    EXPECT_NE(lent.id, 0u);
    ids.insert(lent.id);
  }
  EXPECT_EQ(ids.size(), 100u) << "the same block twice is two loans";
  EXPECT_EQ(one.size(), 100u);

  for (auto id : ids) {
    EXPECT_EQ(
        one.find(id)->bytes().data(), std::as_bytes(block->span()).data());
    one.release(id);
    EXPECT_EQ(one.find(id), nullptr);
  }
  one.release(*ids.begin()); // nothing
  EXPECT_EQ(one.size(), 0u);
  EXPECT_EQ(block.use_count(), 1);
}

TEST(shelf_test, no_two_shelves_have_an_id_in_common) {
  shelf one, other;
  std::set<tensor_id> ids;

  for (int i = 0; i < 100; ++i) {
    ids.insert(one.lend(ascending(1)).id);
    ids.insert(other.lend(ascending(1)).id);
  }

  EXPECT_EQ(ids.size(), 200u);
}

TEST(loan_test, knows_the_checksum_of_any_bytes) {
  const auto block = ascending(loan::grain); // four grains
  const loan lent{block};
  const auto bytes = lent.bytes();

  for (int twice = 0; twice < 2; ++twice)
    for (auto [at, length] : {std::pair<std::size_t, std::size_t>{0, 4},
             {0, loan::grain}, {loan::grain, loan::grain}, {4, loan::grain},
             {0, 2 * loan::grain}, {3 * loan::grain, loan::grain},
             {3 * loan::grain + 4, loan::grain - 4}, {loan::grain, 400}})
      EXPECT_EQ(lent.checksum(at, length), crc32c(bytes.subspan(at, length)))
          << length << " bytes at " << at;
}

TEST(loan_test, sums_a_grain_once) {
  const auto block = ascending(loan::grain);
  const loan lent{block};
  const auto before = lent.checksum(0, loan::grain);
  const auto last = loan{ascending(3)}.checksum(0, 12);

  block->span()[0] = 17; // which nobody does to what is lent

  EXPECT_EQ(lent.checksum(0, loan::grain), before);
  EXPECT_EQ(last, crc32c(std::as_bytes(ascending(3)->span())));
}

TEST(loan_test, is_one_for_all_shelves_while_it_is_held) {
  shelf one, other;
  const auto block = ascending(10);
  const auto here = one.lend(block).id;
  const auto there = other.lend(block).id;
  const std::weak_ptr<const loan> held = one.find(here);

  EXPECT_EQ(one.find(here), other.find(there));
  EXPECT_NE(one.find(here), other.find(other.lend(ascending(10)).id));
  one.release(here);
  EXPECT_FALSE(held.expired());
  other.release(there);
  EXPECT_TRUE(held.expired());
  EXPECT_EQ(block.use_count(), 1);
}

TEST(loan_test, lends_nothing_of_a_tensor) {
  const loan lent{ascending(0)};

  EXPECT_TRUE(lent.bytes().empty());
  EXPECT_EQ(lent.checksum(0, 0), 0u);
}

} // namespace
} // namespace troupe::cluster
