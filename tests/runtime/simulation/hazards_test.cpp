#include "runtime/simulation/hazards.hpp"

#include <chrono>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace troupe::simulation {
namespace {

using namespace std::chrono_literals;

constexpr client_id clients = 10'000;

TEST(hazards_test, leave_everything_as_it_is_by_default) {
  const hazards none{1, {}};
  const auto fate = none.of({.lease = 3, .client = 4}, 1e9);
  EXPECT_EQ(fate.what, fate::result::comes);
  EXPECT_EQ(fate.beside, duration{});
  EXPECT_FALSE(fate.again);
  EXPECT_FALSE(none.moves());
  EXPECT_FALSE(none.crashes());
}

TEST(hazards_test, take_the_way_down_and_the_way_up) {
  configuration::simulation_keys how;
  how.down = 1000.0;
  how.up = 250.0;
  how.bandwidth_spread = 0.0;
  EXPECT_EQ((hazards{1, how}.of({.client = 7}, 500.0).beside), 2'500ms);

  how.bandwidth_spread = 1.0;
  const hazards uneven{1, how};
  EXPECT_NE(uneven.down(1), uneven.down(2));
  EXPECT_NE(uneven.down(1) / 1000.0, uneven.up(1) / 250.0);
  EXPECT_EQ(uneven.down(1), (hazards{1, how}.down(1)));
}

TEST(hazards_test, befall_as_many_as_they_say) {
  configuration::simulation_keys how;
  how.failure = 0.1;
  how.loss = 0.2;
  how.duplicate = 0.5;
  how.notice_seconds = 3.0;
  const hazards some{5, how};
  int failed = 0, lost = 0, doubled = 0;
  for (client_id i = 0; i < clients; ++i) {
    const auto fate = some.of({.lease = i, .client = i % 7}, 100.0);
    failed += fate.what == fate::result::fails;
    lost += fate.what == fate::result::is_lost;
    doubled += fate.again.has_value();
    EXPECT_EQ(fate.beside, fate.what == fate::result::is_lost ? 3s : 0s);
  }
  EXPECT_NEAR(failed, clients * 0.1, 150);
  EXPECT_NEAR(lost, clients * 0.9 * 0.2, 200);
  EXPECT_NEAR(doubled, clients * 0.9 * 0.8 * 0.5, 250);
}

TEST(hazards_test, believe_a_trace_before_they_draw) {
  configuration::simulation_keys how;
  how.down = how.up = 1000.0;
  trace told;
  told.of[1] = {50.0, 100.0, 0.0};
  const hazards some{1, how, std::make_shared<trace>(told)};
  EXPECT_EQ(some.down(1), 100.0);
  EXPECT_EQ(some.up(1), 0.0);
  EXPECT_EQ(some.down(2), (hazards{1, how}.down(2)));
  EXPECT_FALSE(some.moves()) << "it has speeds alone";

  const federated::pace pace{.samples_per_second = 100.0, .work = {}};
  const std::vector<std::uint64_t> samples(3, 200);
  EXPECT_EQ(some.slower(pace, {.client = 1}, samples), 2s);
  EXPECT_EQ(some.slower(pace, {.client = 2}, samples), 0s);
}

TEST(hazards_test, have_clients_there_for_their_part_of_the_time) {
  configuration::simulation_keys how;
  how.available = 0.25;
  how.stay_seconds = 10.0;
  const hazards some{5, how};
  int there = 0;
  double stays = 0.0, absences = 0.0;
  for (client_id i = 0; i < clients; ++i) {
    there += some.is_there(i);
    stays += seconds(some.stay(i, 2, true));
    absences += seconds(some.stay(i, 3, false));
  }
  EXPECT_NEAR(there, clients * 0.25, 200);
  EXPECT_NEAR(stays / clients, 10.0, 0.5);
  EXPECT_NEAR(absences / clients, 30.0, 1.5);
}

TEST(hazards_test, cut_clients_off_until_a_partition_heals) {
  configuration::simulation_keys how;
  how.partition_seconds = 100.0;
  how.partition_part = 0.4;
  how.heal_seconds = 20.0;
  const hazards some{3, how};
  int cut = 0, waits = 0;
  for (client_id i = 0; i < clients; ++i) {
    const instant now{std::chrono::seconds{50 * i}};
    const auto wait = some.cut_off(i, now, 1s);
    ASSERT_GE(wait, duration{});
    cut += wait > duration{};
    // Where it is over, nobody waits.
    if (wait > duration{})
      waits += some.cut_off(i, now + wait + 1s, duration{1}) > duration{};
  }
  // 20 of 120 seconds are partitioned, and it may begin in the second.
  EXPECT_NEAR(cut, clients * 0.4 * (20.0 + 1.0) / 120.0, clients * 0.02);
  EXPECT_LT(waits, cut / 50);
  EXPECT_EQ((hazards{3, how}.cut_off(7, instant{50s}, 100s)),
      some.cut_off(7, instant{50s}, 100s));
  EXPECT_EQ((hazards{3, {}}.cut_off(7, instant{50s}, 100s)), duration{});
}

} // namespace
} // namespace troupe::simulation
