// A mesh in metrics.

#include <gtest/gtest.h>

#include "monitoring/metrics.hpp"
#include "tests/monitoring/exposition.hpp"
#include "tests/monitoring/mesh_story.hpp"

namespace troupe::monitoring {

namespace {

using namespace std::chrono_literals;

class mesh_figures_test : public testing::Test {
protected:
  void hear() {
    figures_.add(story_.told());
    text_ = exposition(*figures_.collectable());
  }

  std::string value(const std::string& series) const {
    return sample(text_, "troupe_" + series);
  }

  void start() {
    story_.then(mesh_start(4)).then(facts::mesh_formed{.epoch = 1, .ranks = 4});
  }

  metrics figures_;
  story story_;
  std::string text_;
};

TEST_F(mesh_figures_test, count_steps_and_samples) {
  start();
  story_.then(stepped(0, 8, 4)).then(stepped(8, 20, 4));

  hear();

  EXPECT_EQ(value("mesh_step"), "20");
  EXPECT_EQ(value("steps_total"), "20");
  EXPECT_EQ(value("samples_total"), "1280");
  EXPECT_EQ(value("mesh_sent_bytes_total"), "20000");
  EXPECT_EQ(value("training_loss"), "0.75");
  EXPECT_EQ(value("rounds_planned"), "300");
}

TEST_F(mesh_figures_test, tell_who_is_there) {
  start();
  hear();
  EXPECT_EQ(value("mesh_ranks"), "4");
  EXPECT_EQ(value("mesh_ranks_wanted"), "4");
  EXPECT_EQ(value("mesh_epoch"), "1");

  story_.then(rank_lost(3, 20)).then(facts::waiting{"ranks", 3, 4});
  hear();
  EXPECT_EQ(value("mesh_ranks"), "3");

  story_.then(formed_anew(4, 20));
  hear();
  EXPECT_EQ(value("mesh_ranks"), "4");
  EXPECT_EQ(value("mesh_epoch"), "2");
  EXPECT_EQ(value("mesh_compositions_total"), "2");
  EXPECT_EQ(value("mesh_ranks_lost_total"), "1");

  story_.then(ended("completed", 300));
  hear();
  EXPECT_EQ(value("mesh_ranks"), "0");
}

TEST_F(mesh_figures_test, tell_computing_from_waiting) {
  start();
  story_.then(stepped(0, 40, 4));

  hear();

  EXPECT_EQ(value("mesh_step_seconds_total"), "4");
  EXPECT_EQ(value("mesh_computing_seconds_total"), "3");
}

TEST_F(mesh_figures_test, take_the_time_from_a_loss_to_the_next_step) {
  start();
  story_.then(stepped(0, 8, 4))
      .then(rank_lost(3, 8))
      .after(500ms)
      .then(rank_lost(2, 8))
      .then(formed_anew(2, 8))
      .after(1500ms)
      .then(stepped(8, 9))
      .after(1s)
      .then(stepped(9, 10));

  hear();

  EXPECT_EQ(value("mesh_recovery_seconds_count"), "1");
  EXPECT_EQ(value("mesh_recovery_seconds_sum"), "2");
}

TEST_F(mesh_figures_test, know_no_slots_that_wait) {
  start();
  story_.after(10s).then(stepped(0, 8, 4)).after(10s).then(stepped(8, 9, 4));

  hear();

  EXPECT_EQ(value("compute_slots{state=\"idle\"}"), "0");
  EXPECT_EQ(value("idle_slot_seconds_total"), "0");
}

TEST_F(mesh_figures_test, want_no_ranks_of_a_federation) {
  story_.then(fashion_start());

  hear();

  EXPECT_EQ(value("mesh_ranks_wanted"), "0");
  EXPECT_EQ(value("mesh_ranks"), "absent");
}

// A process counts its compositions from a multiple of 2^32 on.
TEST_F(
    mesh_figures_test, count_compositions_of_a_process_that_is_not_the_first) {
  story_.then(mesh_start(4))
      .then(facts::mesh_formed{
          .epoch = (std::uint64_t{3} << 32) + 2, .ranks = 4});

  hear();

  EXPECT_EQ(value("mesh_epoch"), "2");
}

} // namespace

} // namespace troupe::monitoring
