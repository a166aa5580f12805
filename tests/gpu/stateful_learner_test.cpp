#include "gpu/training/stateful_learner.hpp"

#include <memory>

#include <gtest/gtest.h>

#include "tests/support/counting_learner.hpp"

namespace troupe::training {
namespace {

gpu::shared_buffer trained_on(learner& by, gpu::shared_buffer state) {
  gpu::buffer parameters{3};
  by.initialise(parameters.span(), 1);
  train_client(by, state, parameters.span(), {}, {});
  return state;
}

TEST(stateful_learner_test, begins_with_nothing_and_goes_on_from_what_it_left) {
  tests::counting_learner some{3};

  const auto first = trained_on(some, nullptr);
  const auto second = trained_on(some, first);

  ASSERT_EQ(first->size(), 4u);
  EXPECT_EQ(first->span()[0], 1.0f);
  EXPECT_EQ(second->span()[0], 2.0f);
  EXPECT_NE(first->span()[1], second->span()[1]);
}

TEST(stateful_learner_test, trains_without_a_state_as_a_new_client) {
  tests::counting_learner some{3};
  gpu::buffer alone{3}, with{3};
  some.initialise(alone.span(), 1);
  some.initialise(with.span(), 1);
  gpu::shared_buffer state;

  some.train(alone.span(), {}, {});
  train_client(some, state, with.span(), {}, {});

  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(alone.span()[i], with.span()[i]);
}

TEST(stateful_learner_test, may_leave_a_state_without_values) {
  struct forgetful : tests::counting_learner {
    using counting_learner::counting_learner;
    outcome train_with(std::vector<float>& state, std::span<float>,
        const assignment&, std::stop_token) override {
      state.clear();
      return {};
    }
  };
  forgetful some{3};

  const auto left = trained_on(some, std::make_shared<gpu::buffer>(2));

  ASSERT_TRUE(left);
  EXPECT_EQ(left->size(), 0u);
}

TEST(stateful_learner_test, leaves_nothing_where_clients_keep_nothing) {
  tests::small_learner plain{3};

  EXPECT_EQ(plain.stateful(), nullptr);
  EXPECT_FALSE(trained_on(plain, nullptr));
  EXPECT_FALSE(trained_on(plain, std::make_shared<gpu::buffer>(2)));
}

} // namespace
} // namespace troupe::training
