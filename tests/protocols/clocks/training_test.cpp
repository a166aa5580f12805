// SGD on a parameter server, trained in virtual time under each bound.
#include <gtest/gtest.h>

#include "tests/protocols/clocks/simulation.hpp"

namespace troupe::clocks {
namespace {

constexpr worker_id workers = 4;
constexpr double rate = 0.05;

// The bulk synchronous loop as a textbook has it: everybody computes from one
// model, then all updates are added. `there` says who takes part in a step.
template <class There>
weights bulk_synchronous(
    const least_squares& problem, step_id steps, There there) {
  auto model = problem.start();
  for (step_id step = 0; step < steps; ++step) {
    const auto seen = model;
    for (worker_id w = 0; w < workers; ++w)
      if (there(w, step))
        add(model, problem.update(w, step, seen, rate));
  }
  return model;
}

weights bulk_synchronous(const least_squares& problem, step_id steps) {
  return bulk_synchronous(
      problem, steps, [](worker_id, step_id) { return true; });
}

least_squares draw_problem(std::uint64_t seed) {
  return {seed, workers, 6, 32};
}

schedule evenly(step_id steps) {
  return {workers, steps, rate,
      [](worker_id, step_id) { return std::optional<std::uint64_t>{1}; }};
}

// Every step takes its own time, and the last worker ten times as long; some
// have finished before others begin.
schedule unevenly(std::uint64_t seed, step_id steps) {
  const auto draw = [seed](std::uint32_t what, worker_id w, step_id step) {
    gpu::random_stream random{seed, what, w, step};
    return std::uint64_t{1} + random.below(20);
  };
  return {workers, steps, rate,
      [draw](worker_id w, step_id step) {
        return std::optional{
            draw(gpu::stream::user, w, step) * (w + 1 == workers ? 10 : 1)};
      },
      [draw](worker_id w, step_id step) {
        return draw(gpu::stream::user + 1, w, step);
      }};
}

} // namespace

TEST(clocked_training_test, has_with_s_0_the_bits_of_bsp) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto problem = draw_problem(seed);
    simulation run{problem, ssp{0}, unevenly(seed, 40)};

    ASSERT_EQ(run.run(), bulk_synchronous(problem, 40)) << "seed " << seed;
    EXPECT_EQ(run.widest_gap(), 0);
  }
}

TEST(clocked_training_test, has_with_any_s_the_bits_of_bsp_if_nobody_is_ahead) {
  const auto problem = draw_problem(1);

  for (std::uint64_t s : {std::uint64_t{1}, std::uint64_t{3}, ssp::unbounded})
    EXPECT_EQ((simulation{problem, ssp{s}, evenly(40)}.run()),
        bulk_synchronous(problem, 40))
        << "s = " << s;
}

TEST(clocked_training_test, has_other_bits_where_somebody_is_ahead) {
  const auto problem = draw_problem(1);
  simulation run{problem, ssp{3}, unevenly(1, 40)};

  EXPECT_NE(run.run(), bulk_synchronous(problem, 40));

  EXPECT_EQ(run.widest_gap(), 3);
}

TEST(
    clocked_training_test, goes_on_with_s_0_as_bsp_without_a_worker_that_died) {
  const auto problem = draw_problem(2);
  auto how = unevenly(2, 40);
  how.takes = [living = how.takes](worker_id w, step_id step) {
    return w == 1 && step == 7 ? std::nullopt : living(w, step);
  };

  EXPECT_EQ((simulation{problem, ssp{0}, how}.run()),
      bulk_synchronous(problem, 40,
          [](worker_id w, step_id step) { return w != 1 || step < 7; }));
}

TEST(clocked_training_test, repeats_itself_under_every_bound) {
  const auto problem = draw_problem(3);

  for (std::uint64_t s : {std::uint64_t{0}, std::uint64_t{2}, ssp::unbounded})
    EXPECT_EQ((simulation{problem, ssp{s}, unevenly(3, 40)}.run()),
        (simulation{problem, ssp{s}, unevenly(3, 40)}.run()));
}

TEST(clocked_training_test, converges_under_every_bound) {
  const auto problem = draw_problem(4);
  const auto far = problem.distance(problem.start());

  for (std::uint64_t s : {std::uint64_t{0}, std::uint64_t{3}, ssp::unbounded}) {
    simulation run{problem, ssp{s}, unevenly(4, 400)};
    EXPECT_LT(problem.distance(run.run()), 1e-6 * far) << "s = " << s;
    EXPECT_EQ(s == ssp::unbounded, run.widest_gap() > 10) << "s = " << s;
  }
}

TEST(clocked_training_test, takes_less_time_the_further_workers_may_be_ahead) {
  const auto problem = draw_problem(5);
  const auto ticks = [&](std::uint64_t s) {
    auto how = unevenly(5, 100);
    how.takes = [](worker_id w, step_id step) {
      gpu::random_stream random{5, gpu::stream::user, w, step};
      return std::optional{std::uint64_t{1} + random.below(20)};
    };
    simulation run{problem, ssp{s}, how};
    run.run();
    return run.ticks();
  };

  EXPECT_LT(ticks(1), ticks(0));
  EXPECT_LT(ticks(ssp::unbounded), ticks(1));
}

} // namespace troupe::clocks
