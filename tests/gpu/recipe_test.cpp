#include "gpu/training/recipe.hpp"

#include <gtest/gtest.h>

namespace {

using troupe::training::recipe;

TEST(recipe_test, keeps_the_rate_without_decay) {
  auto how = recipe{.lr = 0.05f};

  EXPECT_EQ(how.rate(0), 0.05f);
  EXPECT_EQ(how.rate(1'000'000), 0.05f);
}

TEST(recipe_test, decays_the_rate_round_by_round) {
  auto how = recipe{.lr = 0.5f, .lr_decay = 0.5f};

  EXPECT_EQ(how.rate(0), 0.5f);
  EXPECT_EQ(how.rate(1), 0.25f);
  EXPECT_EQ(how.rate(3), 0.0625f);
}

TEST(recipe_test, pulls_by_fedprox_alone) {
  EXPECT_EQ(recipe{.mu = 0.5f}.pull(), 0.0f);
  EXPECT_EQ((recipe{.method = "fednova", .mu = 0.5f}.pull()), 0.0f);
  EXPECT_EQ((recipe{.method = "fedprox", .mu = 0.5f}.pull()), 0.5f);
}

TEST(recipe_test, takes_work_in_what_it_counts) {
  const recipe by_epochs{.epochs = 3}, by_steps{.epochs = 3, .steps = 20};

  EXPECT_EQ(by_epochs.with_work(5), recipe{.epochs = 5});
  EXPECT_EQ(by_steps.with_work(5), (recipe{.epochs = 3, .steps = 5}));
  EXPECT_EQ(by_steps.with_work(0), by_steps);
}

} // namespace
