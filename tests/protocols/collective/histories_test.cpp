#include <gtest/gtest.h>

#include "tests/protocols/collective/broken_twins.hpp"
#include "tests/protocols/collective/history.hpp"

namespace troupe::collective {
namespace {

constexpr std::uint64_t lives = 400;

trials some(std::uint64_t seed) {
  trials how;
  how.members = 1 + std::uint32_t(seed % 5);
  how.least = 1 + std::uint32_t(seed / 5) % how.members;
  how.spares = std::uint32_t(seed / 25) % 3;
  return how;
}

template <class Ensemble, class Sequence>
std::string first_breach() {
  for (std::uint64_t seed = 0; seed < lives; ++seed) {
    history<Ensemble, Sequence> life{seed, some(seed)};
    if (auto breach = life.run(); !breach.empty())
      return breach;
  }
  return "";
}

TEST(collective_histories_test, keep_every_law) {
  std::uint64_t epochs = 0, done = 0;
  for (std::uint64_t seed = 0; seed < lives; ++seed) {
    history<ensemble, sequence> life{seed, some(seed)};
    ASSERT_EQ(life.run(), "") << "seed " << seed;
    epochs += life.epochs();
    done += life.done();
  }
  // The laws are not kept by doing nothing.
  EXPECT_GT(epochs, 4 * lives);
  EXPECT_GT(done, 20 * lives);
}

TEST(collective_histories_test, end_well_when_nothing_goes_wrong) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    auto how = some(seed);
    how.mishaps = 0;
    how.wrong_signature = how.forgotten = 0;
    history<ensemble, sequence> life{seed, how};
    ASSERT_EQ(life.run(), "") << "seed " << seed;
    EXPECT_FALSE(life.gave_up());
  }
}

template <class Ensemble>
std::string fault_of_ensemble() {
  return first_breach<Ensemble, sequence>();
}
template <class Sequence>
std::string fault_of_sequence() {
  return first_breach<ensemble, Sequence>();
}

TEST(collective_histories_test, find_every_broken_ensemble) {
  EXPECT_NE(fault_of_ensemble<broken::does_not_wait>(), "");
  EXPECT_EQ(fault_of_ensemble<broken::does_not_compare>(),
      "two signatures of one number went unnoticed");
  EXPECT_EQ(fault_of_ensemble<broken::does_not_look_at_devices>(),
      "two ranks are on one device");
  EXPECT_EQ(fault_of_ensemble<broken::waits_for_all>(),
      "nothing goes wrong and yet nothing is done");
  EXPECT_EQ(fault_of_ensemble<broken::reuses_epochs>(),
      "an epoch's number was used again");
}

TEST(collective_histories_test, find_every_broken_sequence) {
  EXPECT_NE(fault_of_sequence<broken::ignores_epochs>(), "");
  EXPECT_EQ(fault_of_sequence<broken::does_not_sort>(),
      "an operation was issued out of order");
  EXPECT_EQ(fault_of_sequence<broken::repeats_itself>(),
      "an operation was issued out of order");
  EXPECT_EQ(fault_of_sequence<broken::never_wakes>(),
      "an order has no answer at its deadline");
  EXPECT_NE(fault_of_sequence<broken::does_not_let_go>(), "");
  EXPECT_NE(fault_of_sequence<broken::answers_early>(), "");
  EXPECT_EQ(fault_of_sequence<broken::forgets_to_answer>(),
      "an order has no answer at its deadline");
}

} // namespace
} // namespace troupe::collective
