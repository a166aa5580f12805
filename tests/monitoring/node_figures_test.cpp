#include "monitoring/node_figures.hpp"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/monitoring/exposition.hpp"

namespace troupe::monitoring {

namespace {

class node_figures_test : public testing::Test {
protected:
  std::string value(const std::string& series) const {
    return sample(exposition(*figures_.collectable()), "troupe_node_" + series);
  }

  node_figures figures_;
};

TEST_F(node_figures_test, show_one_state_of_its_link) {
  EXPECT_EQ(value("link{state=\"dialling\"}"), "1");
  EXPECT_EQ(value("link{state=\"serving\"}"), "0");

  figures_.is(node_figures::link::serving);

  EXPECT_EQ(value("link{state=\"dialling\"}"), "0");
  EXPECT_EQ(value("link{state=\"joining\"}"), "0");
  EXPECT_EQ(value("link{state=\"serving\"}"), "1");
}

TEST_F(node_figures_test, name_the_node_once) {
  figures_.named("node-1", "here:4242");
  figures_.named("alpha", "here:4242");

  EXPECT_EQ(value("info{coordinator=\"here:4242\",name=\"alpha\"}"), "1");
  EXPECT_EQ(value("info{coordinator=\"here:4242\",name=\"node-1\"}"), "absent");
}

TEST_F(node_figures_test, have_no_slots_before_they_are_known) {
  EXPECT_EQ(value("slots{state=\"idle\"}"), "absent");

  figures_.slots(1, 4);

  EXPECT_EQ(value("slots{state=\"busy\"}"), "1");
  EXPECT_EQ(value("slots{state=\"idle\"}"), "3");
}

TEST_F(node_figures_test, count_dials_sessions_and_updates) {
  figures_.dialled(false);
  figures_.dialled(false);
  figures_.dialled(true);
  figures_.session_begun();
  figures_.session_over(true);
  figures_.session_begun();
  figures_.session_over(false);
  figures_.trained(600, 0.5);
  figures_.trained(600, 0.5);
  figures_.failed();

  EXPECT_EQ(value("dials_total{outcome=\"unanswered\"}"), "2");
  EXPECT_EQ(value("dials_total{outcome=\"answered\"}"), "1");
  EXPECT_EQ(value("sessions_total{how=\"begun\"}"), "2");
  EXPECT_EQ(value("sessions_total{how=\"lost\"}"), "1");
  EXPECT_EQ(value("sessions_total{how=\"ended\"}"), "1");
  EXPECT_EQ(value("updates_total{outcome=\"trained\"}"), "2");
  EXPECT_EQ(value("updates_total{outcome=\"failed\"}"), "1");
  EXPECT_EQ(value("samples_total"), "1200");
  EXPECT_EQ(value("training_seconds_sum"), "1");
}

TEST_F(node_figures_test, outlive_themselves_for_the_exposer) {
  auto gone = std::make_unique<node_figures>();
  gone->failed();

  const auto kept = gone->collectable();
  gone.reset();

  EXPECT_EQ(sample(exposition(*kept),
                "troupe_node_updates_total{outcome=\"failed\"}"),
      "1");
}

} // namespace

} // namespace troupe::monitoring
