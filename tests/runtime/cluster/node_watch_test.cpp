#include "runtime/cluster/node_watch.hpp"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitoring/exposition.hpp"
#include "tests/monitoring/http_get.hpp"
#include "tests/support/scripted_peer.hpp"

namespace troupe::tests {
namespace {

using testing::ElementsAre;

class node_watch_test : public testing::Test {
protected:
  node_watch_test() {
    host = at->begin(coordinator, 2);
    ears = at->hears(
        {.said = [this](
                     cluster::frame&& what) { heard.push_back(what.index()); },
            .brought = [](cluster::fetched&&) {},
            .over = [](cluster::parted&&) {}});
  }

  std::string value(const std::string& series) const {
    return monitoring::sample(
        monitoring::http_get(
            monitoring::endpoint::parse(at->address()), "/metrics"),
        "troupe_node_" + series);
  }
  std::string busy() const { return value("slots{state=\"busy\"}"); }
  std::string idle() const { return value("slots{state=\"idle\"}"); }

  void seat(lease_id lease, std::uint32_t lane) {
    cluster::seated what;
    what.what.lease = lease;
    what.lane = lane;
    ears.said(what);
  }
  void trained(lease_id lease) {
    update what;
    what.result.lease = lease;
    what.result.outcome.samples = 600;
    what.result.seconds = 0.5;
    host->send(what);
  }

  std::shared_ptr<scripted_peer> coordinator =
      std::make_shared<scripted_peer>();
  std::shared_ptr<cluster::node_watch> at =
      std::make_shared<cluster::node_watch>("127.0.0.1:0", 3.0);
  cluster::shared_peer host; ///< what the host speaks with
  cluster::line::ears ears;
  std::vector<std::size_t> heard; ///< by the host
};

TEST_F(node_watch_test, shows_slots_that_are_busy) {
  EXPECT_EQ(busy(), "0");
  EXPECT_EQ(idle(), "2");

  seat(1, 1);
  seat(2, 1);
  EXPECT_EQ(busy(), "1");
  trained(1);
  EXPECT_EQ(busy(), "1") << "the next one waits there";
  trained(2);

  EXPECT_EQ(busy(), "0");
  EXPECT_EQ(value("updates_total{outcome=\"trained\"}"), "2");
  EXPECT_EQ(value("samples_total"), "1200");
  EXPECT_EQ(value("training_seconds_sum"), "1");
}

TEST_F(node_watch_test, counts_failures_apart) {
  seat(1, 0);
  host->send(failure{0, 1, {}});

  EXPECT_EQ(busy(), "0");
  EXPECT_EQ(value("updates_total{outcome=\"failed\"}"), "1");
  EXPECT_EQ(value("updates_total{outcome=\"trained\"}"), "0");
}

TEST_F(node_watch_test, counts_what_is_said_twice_once) {
  seat(1, 0);
  seat(1, 1);
  trained(1);
  trained(1);
  trained(9);

  EXPECT_EQ(busy(), "0");
  EXPECT_EQ(value("updates_total{outcome=\"trained\"}"), "1");
}

TEST_F(node_watch_test, believes_in_no_slot_that_there_is_not) {
  seat(1, 7);

  EXPECT_EQ(busy(), "0");
  EXPECT_EQ(idle(), "2");
}

TEST_F(node_watch_test, passes_on_all_that_it_sees) {
  seat(1, 0);
  ears.said(cluster::drain{});
  trained(1);
  host->took();
  host->close("enough");

  EXPECT_THAT(heard, ElementsAre(cluster::frame{cluster::seated{}}.index(),
                         cluster::frame{cluster::drain{}}.index()));
  EXPECT_EQ(coordinator->sent<update>().size(), 1u);
  EXPECT_EQ(coordinator->heard, 1u);
  EXPECT_THAT(coordinator->closed, ElementsAre("enough"));
  EXPECT_EQ(coordinator->called, "coordinator");
}

TEST_F(node_watch_test, begins_each_session_with_nothing_to_do) {
  seat(1, 0);
  at->is(cluster::node_watch::link::serving);
  at->end(true);

  EXPECT_EQ(busy(), "0");
  EXPECT_EQ(value("link{state=\"dialling\"}"), "1");
  EXPECT_EQ(value("sessions_total{how=\"lost\"}"), "1");
  at->begin(coordinator, 4);
  EXPECT_EQ(idle(), "4");
  EXPECT_EQ(value("sessions_total{how=\"begun\"}"), "2");
}

TEST(unwatched_node_test, serves_nowhere_and_counts_for_nobody) {
  const auto at = std::make_shared<cluster::node_watch>("", 3.0);

  EXPECT_EQ(at->address(), "");
  EXPECT_EQ(at->url(), "");
  EXPECT_EQ(at->wires(), nullptr);
}

} // namespace
} // namespace troupe::tests
