#include "protocols/state_table.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace troupe {
namespace {

tensor state_of(float value) {
  auto block = std::make_shared<gpu::buffer>(1);
  block->span()[0] = value;
  return block;
}

float value_of(const tensor& state) {
  return state ? state->span()[0] : 0.0f;
}

TEST(state_table_test, has_nothing_of_anybody_at_first) {
  const state_table none;

  EXPECT_FALSE(none.of(0));
  EXPECT_FALSE(none.of(1'000'000));
  EXPECT_TRUE(none.empty());
  EXPECT_TRUE(none.all().empty());
}

TEST(state_table_test, keeps_the_last_state_of_each_client) {
  state_table some;
  const client_state first[] = {
      {3, state_of(1)}, {70, state_of(2)}, {1000, state_of(3)}};
  const client_state then[] = {{70, state_of(4)}, {71, state_of(5)}};

  some.take(first);
  some.take(then);

  EXPECT_EQ(some.size(), 4u);
  EXPECT_EQ(value_of(some.of(3)), 1);
  EXPECT_EQ(value_of(some.of(70)), 4);
  EXPECT_EQ(value_of(some.of(71)), 5);
  EXPECT_EQ(value_of(some.of(1000)), 3);
  EXPECT_FALSE(some.of(72));
  const auto all = some.all();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[1].client, 70u);
  EXPECT_EQ(all[3].client, 1000u);
}

TEST(state_table_test, takes_a_state_without_values_for_none) {
  state_table some;
  const client_state first[] = {{3, state_of(1)}, {4, state_of(2)}};
  some.take(first);
  const client_state then[] = {{3, std::make_shared<gpu::buffer>(0)}};

  some.take(then);

  EXPECT_FALSE(some.of(3));
  EXPECT_EQ(some.size(), 1u);
}

TEST(state_table_test, leaves_a_copy_as_it_was) {
  state_table some;
  const client_state first[] = {{3, state_of(1)}, {200, state_of(2)}};
  some.take(first);
  const auto copy = some;
  const client_state then[] = {{3, state_of(7)}, {4, state_of(8)}};

  some.take(then);

  EXPECT_EQ(value_of(copy.of(3)), 1);
  EXPECT_FALSE(copy.of(4));
  EXPECT_EQ(copy.size(), 2u);
  EXPECT_EQ(some.of(200), copy.of(200));
}

} // namespace
} // namespace troupe
