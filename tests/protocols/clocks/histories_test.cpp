// The rule, and broken twins of it, through random histories.
#include <array>
#include <string>

#include <gtest/gtest.h>

#include "tests/protocols/clocks/broken_twins.hpp"
#include "tests/protocols/clocks/history.hpp"

namespace troupe::clocks {
namespace {

constexpr std::uint64_t histories = 10'000;

// s = 0 and unbounded are BSP and ASP.
constexpr std::array<std::uint64_t, 4> bounds{0, 1, 3, ssp::unbounded};

trouble draw_trouble(std::uint64_t seed) {
  gpu::random_stream random{seed, gpu::stream::user, 42};
  trouble t;
  t.events = random.below(120);
  t.workers = 1 + random.below(6);
  t.duplicate = random.below(25);
  t.crash = random.below(10);
  t.join = random.below(15);
  t.restart = random.below(3);
  return t;
}

template <class Rule>
history<Rule> draw_history(std::uint64_t seed, std::uint64_t bound) {
  return {seed, bound, draw_trouble(seed), Rule{bound}};
}

// Whether the witness says these words of a rule in one of many histories.
template <class Rule>
testing::AssertionResult is_found(const std::string& words) {
  std::string said;
  for (std::uint64_t seed = 0; seed < 500; ++seed)
    if (said = draw_history<Rule>(seed, bounds[seed % bounds.size()]).run();
        said.find(words) != std::string::npos)
      return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the last breach: " << said;
}

class clock_histories_test : public testing::TestWithParam<std::uint64_t> {};

} // namespace

TEST_P(clock_histories_test, keep_every_law) {
  const auto bound = GetParam();
  std::uint64_t begun = 0, waits = 0, early_reads = 0;
  for (std::uint64_t seed = 0; seed < histories; ++seed) {
    auto h = draw_history<ssp>(seed, bound);
    ASSERT_EQ(h.run(), "") << "seed " << seed;
    begun += h.seen().begun();
    waits += h.seen().waits();
    early_reads += h.seen().early_reads();
  }
  // The histories are worth telling: they get far, and the bound is felt.
  EXPECT_GT(begun, 20 * histories);
  EXPECT_EQ(waits > histories / 10, bound != ssp::unbounded) << waits;
  EXPECT_EQ(waits == 0, bound == ssp::unbounded);
  EXPECT_EQ(early_reads > histories, bound > 0) << early_reads;
  EXPECT_EQ(early_reads == 0, bound == 0);
}

INSTANTIATE_TEST_SUITE_P(under, clock_histories_test, testing::ValuesIn(bounds),
    [](const testing::TestParamInfo<std::uint64_t>& x) {
      return x.param == ssp::unbounded ? std::string{"asp"}
                                       : "s_" + std::to_string(x.param);
    });

TEST(broken_clocks_test, are_found_when_a_worker_runs_ahead) {
  EXPECT_TRUE(is_found<broken::runs_ahead>("is too far ahead of"));
}

TEST(broken_clocks_test, are_found_when_the_dead_are_waited_for) {
  EXPECT_TRUE(is_found<broken::waits_for_the_dead>("the slowest clock is"));
}

TEST(broken_clocks_test, are_found_when_those_who_may_begin_wait) {
  EXPECT_TRUE(is_found<broken::releases_nobody_at_a_death>("waits for nobody"));
  EXPECT_TRUE(is_found<broken::releases_one>("waits for nobody"));
}

TEST(broken_clocks_test, are_found_when_somebody_starts_at_the_wrong_clock) {
  EXPECT_TRUE(is_found<broken::starts_at_zero>("and not at"));
  EXPECT_TRUE(is_found<broken::forgets_its_own_clock>("and not at"));
}

TEST(broken_clocks_test, are_found_when_an_update_counts_that_must_not) {
  EXPECT_TRUE(is_found<broken::counts_twice>("counts twice"));
  EXPECT_TRUE(
      is_found<broken::counts_the_dead>("counts though that life is over"));
}

TEST(broken_clocks_test, are_found_when_the_wrong_updates_are_read) {
  EXPECT_TRUE(
      is_found<broken::shows_a_clock_early>("of its own clock is read"));
  EXPECT_TRUE(is_found<broken::hides_what_is_in>("that is in is not read"));
}

TEST(broken_clocks_test, are_found_when_a_clock_is_closed_in_silence) {
  EXPECT_TRUE(is_found<broken::closes_in_silence>("it is not told that"));
}

TEST(broken_clocks_test, are_found_when_a_life_comes_again) {
  EXPECT_TRUE(is_found<broken::lives_again>("comes again"));
}

TEST(broken_clocks_test, are_found_when_they_forget_who_waits) {
  EXPECT_TRUE(is_found<broken::forgets_who_waits>("goes on otherwise"));
}

} // namespace troupe::clocks
