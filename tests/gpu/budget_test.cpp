// Training that has no more than so many steps, or so much time.
#include "tests/gpu/every_way.hpp"
#include "tests/gpu/samples.hpp"

#include <gtest/gtest.h>

namespace troupe::training {
namespace {

using testing::random_samples;

class budget_test : public ::testing::TestWithParam<way> {};

INSTANTIATE_TEST_SUITE_P(ways, budget_test, ::testing::ValuesIn(ways()),
    [](const auto& p) { return name_of(p.param); });

TEST_P(budget_test, of_steps_is_a_recipe_of_so_many_to_the_bit) {
  const auto data = random_samples(43, {50}, 5);
  const auto start = start_of(2);
  for (std::uint64_t most : {1, 5, 7, 14}) {
    auto work = work_on(data, {.epochs = 3, .momentum = 0.9f});
    work.within.steps = most;
    auto fewer =
        work_on(data, {.steps = std::uint32_t(most), .momentum = 0.9f});

    EXPECT_EQ(GetParam().train(start, work), GetParam().train(start, fewer))
        << most;
  }
}

TEST_P(budget_test, that_is_not_used_up_changes_nothing) {
  const auto data = random_samples(43, {50}, 5);
  const auto start = start_of(2);
  auto work = work_on(data, {.epochs = 3});
  const auto expected = GetParam().train(start, work);
  work.within = {15, 3600.0};

  EXPECT_EQ(GetParam().train(start, work), expected);
}

outcome trained(const assignment& work) {
  const auto learner = trainer(models::mlp(widths))({});
  gpu::buffer w{gpu::size(learner->layout())};
  learner->initialise(w.span(), 1);
  return learner->train(w.span(), work, {});
}

TEST(budget_of_learner_test, says_that_more_was_asked_for) {
  auto work = work_on(random_samples(43, {50}, 5), {.epochs = 3});
  EXPECT_FALSE(trained(work).partial);
  work.within.steps = 15;
  EXPECT_FALSE(trained(work).partial);
  work.within.steps = 14;
  const auto most = trained(work);
  EXPECT_TRUE(most.partial);
  EXPECT_EQ(most.steps, 14u);
  EXPECT_EQ(most.samples, 2 * 43 + 40u);
}

TEST(budget_of_learner_test, of_no_time_is_one_step) {
  auto work = work_on(random_samples(43, {50}, 5), {.epochs = 3});
  work.within.seconds = 1e-9;
  const auto little = trained(work);

  EXPECT_TRUE(little.partial);
  EXPECT_EQ(little.steps, 1u);
}

class cut_test : public ::testing::TestWithParam<gpu::device> {};

INSTANTIATE_TEST_SUITE_P(devices, cut_test,
    ::testing::ValuesIn(tests::test_devices()),
    [](const auto& p) { return tests::name(p.param); });

// The lane beside it goes on, and the lane takes another client.
TEST_P(cut_test, ends_a_lane_behind_the_steps_that_were_queued) {
  const auto data = random_samples(60, {50}, 5);
  const auto start = start_of(1);
  const recipe how{.epochs = 4, .momentum = 0.5f};
  const auto longest = work_on(data, how);
  const auto other = work_on(data.slice(0, 25), how);
  cohort lanes{models::mlp(widths), GetParam(), 2, how};
  lanes.enter(0, start, longest);
  lanes.cut(0); // nothing is queued yet
  lanes.enter(1, start, other);
  EXPECT_TRUE(lanes.advance(3).empty());

  lanes.cut(0);

  EXPECT_EQ(lanes.advance(100), std::vector<std::size_t>{0});
  lanes.stream().synchronise();
  const auto made = lanes.take(0);
  EXPECT_TRUE(made.sums.partial);
  EXPECT_EQ(made.sums.steps, 3u);
  EXPECT_EQ(made.sums.samples, 30u);
  auto first = longest;
  first.within.steps = 3;
  auto delta = by_cohort(GetParam(), {start}, {first}).front();
  for (std::size_t i = 0; i < delta.size(); ++i)
    delta[i] -= start->span()[i];
  const auto cut = on_host(lanes.stream(), made.delta->span());
  for (std::size_t i = 0; i < delta.size(); ++i)
    ASSERT_NEAR(cut[i], delta[i], 1e-7);

  lanes.enter(0, start, other);
  std::size_t through = 0;
  while (through < 2)
    through += lanes.advance(100).size();
  lanes.stream().synchronise();
  const auto beside = lanes.take(1), behind = lanes.take(0);
  EXPECT_FALSE(beside.sums.partial);
  EXPECT_EQ(beside.sums.steps, 12u);
  EXPECT_EQ(on_host(lanes.stream(), beside.delta->span()),
      on_host(lanes.stream(), behind.delta->span()));
}

} // namespace
} // namespace troupe::training
