// Where each way of choosing clients reaches a loss sooner than drawing all
// alike, in virtual time.
#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include "tests/protocols/federated/quadratics.hpp"

namespace troupe::federated {
namespace {

using namespace std::chrono_literals;

fedavg choosing(
    chooser::options how, std::uint64_t seed, std::uint64_t backups = 0) {
  return {{.seed = seed, .rounds = 1000, .weigh_samples = false}, 0.1, 1.0, {},
      chooser{how}, backups};
}

// The mean time over some seeds, in seconds.
double time_to(double target, const std::vector<quadratic_client>& clients,
    chooser::options how, std::uint64_t backups = 0) {
  double sum = 0.0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    quadratics all{clients};
    const auto took = all.time_to(target, choosing(how, seed, backups));
    EXPECT_LT(took, duration::max()) << "seed " << seed;
    sum += std::chrono::duration<double>(took).count();
  }
  return sum / 5.0;
}

// Every fifth client is slow by a factor of ten; all want about the same.
std::vector<quadratic_client> of_two_speeds() {
  std::vector<quadratic_client> result;
  for (int i = 0; i < 100; ++i)
    result.push_back({.samples = 10,
        .optimum = 1.0 + 0.01 * (i % 7),
        .time = i % 5 == 0 ? 10s : 1s + 1ms * i});
  return result;
}

// Few clients have most of the loss.
std::vector<quadratic_client> of_skewed_losses() {
  std::vector<quadratic_client> result;
  for (int i = 0; i < 100; ++i)
    result.push_back({.curvature = i % 10 == 0 ? 10.0 : 0.1});
  return result;
}

} // namespace

TEST(faster_selection_test, is_oorts_where_some_clients_are_slow) {
  const auto clients = of_two_speeds();

  const auto uniform = time_to(1e-3, clients, {});
  const auto oort = time_to(1e-3, clients, {.how = chooser::by::oort});

  EXPECT_LT(oort, 0.7 * uniform) << uniform;
}

TEST(faster_selection_test, is_that_of_tiers_where_some_clients_are_slow) {
  const auto clients = of_two_speeds();

  const auto uniform = time_to(1e-3, clients, {});
  const auto tiered = time_to(1e-3, clients, {.tiers = {.count = 5}});

  EXPECT_LT(tiered, 0.7 * uniform) << uniform;
}

// Not how clients are drawn, but how many are at hand for the last ones.
TEST(faster_selection_test, is_that_of_backups_where_some_clients_are_slow) {
  const auto clients = of_two_speeds();

  const auto uniform = time_to(1e-3, clients, {});
  const auto backed = time_to(1e-3, clients, {}, 4);

  EXPECT_LT(backed, 0.7 * uniform) << uniform;
}

TEST(faster_selection_test, is_power_of_choices_where_few_have_the_loss) {
  const auto clients = of_skewed_losses();

  const auto uniform = time_to(1e-3, clients, {});
  const auto choice = time_to(
      1e-3, clients, {.how = chooser::by::power_of_choice, .candidates = 40});

  EXPECT_LT(choice, 0.7 * uniform) << uniform;
}

// What makes the difference is there to be known.
TEST(faster_selection_test, is_nobodys_where_all_clients_are_alike) {
  const std::vector<quadratic_client> clients(100);

  const auto uniform = time_to(1e-3, clients, {});
  for (const auto& how : {chooser::options{.how = chooser::by::oort},
           chooser::options{.how = chooser::by::power_of_choice},
           chooser::options{.tiers = {.count = 5}}})
    EXPECT_EQ(time_to(1e-3, clients, how), uniform);
}

} // namespace troupe::federated
