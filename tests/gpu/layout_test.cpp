#include "gpu/layout.hpp"

#include <gtest/gtest.h>

namespace troupe::gpu {
namespace {

TEST(layout_test, views_tile_the_block) {
  layout views;

  EXPECT_EQ(size(views), 0u);
  EXPECT_EQ(append(views, "fc1.weight", {2, 3}), 0u);
  EXPECT_EQ(append(views, "scale", {}), 6u);
  EXPECT_EQ(append(views, "fc1.bias", {2}), 7u);

  EXPECT_EQ(size(views), 9u);
  EXPECT_EQ(views[1].size(), 1u);
}

} // namespace
} // namespace troupe::gpu
