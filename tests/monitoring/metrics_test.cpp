#include "monitoring/metrics.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/monitoring/exposition.hpp"
#include "tests/monitoring/story.hpp"

namespace troupe::monitoring {

namespace {

using namespace std::chrono_literals;

class metrics_test : public testing::Test {
protected:
  void hear() {
    figures_.add(story_.told());
    text_ = exposition(*figures_.collectable());
  }

  std::string value(const std::string& series) const {
    return sample(text_, "troupe_" + series);
  }

  metrics figures_;
  story story_;
  std::string text_;
};

TEST_F(metrics_test, names_the_run) {
  story_.then(fashion_start());

  hear();

  EXPECT_EQ(value("run_info{fingerprint=\"cpu/openblas/haswell\","
                  "incarnation=\"0\",name=\"fashion\",rule=\"fedavg\","
                  "seed=\"7\"}"),
      "1")
      << text_;
  EXPECT_EQ(value("run_active"), "1");
  EXPECT_EQ(value("rounds_planned"), "50");
  EXPECT_EQ(value("model_parameters"), "199210");
}

TEST_F(metrics_test, names_one_run_only_after_a_second_start) {
  auto resumed = fashion_start();
  resumed.incarnation = 1;
  resumed.version = 20;
  story_.then(fashion_start()).then(resumed);

  hear();

  EXPECT_EQ(text_.find("incarnation=\"0\""), std::string::npos);
  EXPECT_NE(text_.find("incarnation=\"1\""), std::string::npos);
  EXPECT_EQ(value("model_version"), "20");
  EXPECT_EQ(value("stored_version"), "20");
}

TEST_F(metrics_test, shows_nothing_that_nobody_has_observed) {
  hear();
  for (const auto* name : {"rounds_planned", "model_parameters",
           "model_version", "model_updates", "stored_version",
           "clients{state=\"idle\"}", "compute_slots{state=\"idle\"}"})
    EXPECT_EQ(value(name), "absent") << name;
  EXPECT_EQ(value("run_active"), "0");
  EXPECT_EQ(value("leases_outstanding"), "0");

  story_.then(fashion_start());
  hear();

  for (const auto* name : {"accuracy", "best_accuracy", "loss",
           "evaluated_version", "training_loss"})
    EXPECT_EQ(value(name), "absent") << name;
  EXPECT_EQ(value("model_version"), "0");
  EXPECT_EQ(value("clients{state=\"idle\"}"), "100");
  EXPECT_EQ(value("compute_slots{state=\"lost\"}"), "0");
}

TEST_F(metrics_test, shows_best_and_last_of_a_run_that_is_taken_up) {
  auto resumed = fashion_start();
  resumed.version = 40;
  resumed.updates = 400;
  resumed.best_version = 20;
  resumed.best_accuracy = 0.875;
  figures_.take_up({.version = 30, .loss = 0.25, .accuracy = 0.75});
  story_.then(resumed);

  hear();

  EXPECT_EQ(value("accuracy"), "0.75");
  EXPECT_EQ(value("loss"), "0.25");
  EXPECT_EQ(value("evaluated_version"), "30");
  EXPECT_EQ(value("best_accuracy"), "0.875");
  EXPECT_EQ(value("model_updates"), "400");
  EXPECT_EQ(value("training_loss"), "absent");
  EXPECT_EQ(value("evaluation_seconds_count"), "0");

  story_.then(facts::evaluated{.version = 50, .loss = 0.5, .accuracy = 0.5});
  hear();

  EXPECT_EQ(value("accuracy"), "0.5");
  EXPECT_EQ(value("best_accuracy"), "0.875");
}

TEST_F(metrics_test, counts_updates_by_outcome) {
  using federated::drop_reason;
  story_.then(accepted(1, 1)).then(accepted(2, 2));
  story_.then(failed(3, 3));
  for (auto why : {drop_reason::late, drop_reason::late, drop_reason::duplicate,
           drop_reason::unknown, drop_reason::too_stale})
    story_.then(facts::dropped{.lease = 9, .client = 9, .why = why});

  hear();

  EXPECT_EQ(value("updates_total{outcome=\"accepted\"}"), "2");
  EXPECT_EQ(value("updates_total{outcome=\"failed\"}"), "1");
  EXPECT_EQ(value("updates_total{outcome=\"late\"}"), "2");
  EXPECT_EQ(value("updates_total{outcome=\"duplicate\"}"), "1");
  EXPECT_EQ(value("updates_total{outcome=\"unknown\"}"), "1");
  EXPECT_EQ(value("updates_total{outcome=\"too_stale\"}"), "1");
  EXPECT_EQ(value("samples_total"), "1200");
  EXPECT_EQ(value("steps_total"), "120");
  EXPECT_EQ(value("facts_total"), "8");
}

TEST_F(metrics_test, adds_up_over_batches) {
  for (lease_id lease = 0; lease < 5; ++lease) {
    story_.then(accepted(lease, 1));
    hear();
  }

  EXPECT_EQ(value("updates_total{outcome=\"accepted\"}"), "5");
  EXPECT_EQ(value("training_seconds_count"), "5");
  EXPECT_EQ(value("training_seconds_sum"), "0.1");
}

TEST_F(metrics_test, sorts_staleness_into_buckets) {
  for (std::uint64_t staleness : {0, 0, 1, 4, 5, 101})
    story_.then(accepted(1, 1, staleness));

  hear();

  EXPECT_EQ(value("staleness_versions_bucket{le=\"0\"}"), "2");
  EXPECT_EQ(value("staleness_versions_bucket{le=\"1\"}"), "3");
  EXPECT_EQ(value("staleness_versions_bucket{le=\"3\"}"), "3");
  EXPECT_EQ(value("staleness_versions_bucket{le=\"5\"}"), "5");
  EXPECT_EQ(value("staleness_versions_bucket{le=\"100\"}"), "5");
  EXPECT_EQ(value("staleness_versions_bucket{le=\"+Inf\"}"), "6");
  EXPECT_EQ(value("staleness_versions_sum"), "111");
}

TEST_F(metrics_test, follows_leases_to_their_end) {
  story_.then(fashion_start());
  for (client_id client = 0; client < 10; ++client)
    story_.then(facts::leased{.lease = client + 100u, .client = client});
  auto kept = accepted(100, 0);
  kept.handed_in = true;
  story_.then(kept);
  story_.then(failed(101, 1));
  story_.then(facts::requeued{.lease = 102, .client = 2});
  story_.then(facts::dropped{
      .lease = 103, .client = 3, .why = federated::drop_reason::too_stale});
  story_.then(facts::revoked{.lease = 104, .client = 4});
  story_.then(facts::revoked{.lease = 105, .client = 5, .overdue = true});

  hear();

  EXPECT_EQ(value("leases_outstanding"), "4");
  EXPECT_EQ(value("leases_total"), "10");
  EXPECT_EQ(value("requeued_total"), "1");
  EXPECT_EQ(value("revoked_total"), "2");
  EXPECT_EQ(value("deadline_misses_total"), "1");
  EXPECT_EQ(value("handed_in_total"), "1");
  EXPECT_EQ(value("clients{state=\"leased\"}"), "4");
  EXPECT_EQ(value("clients{state=\"idle\"}"), "96");
}

TEST_F(metrics_test, ends_no_lease_twice) {
  story_.then(fashion_start())
      .then(facts::leased{.lease = 1, .client = 4})
      .then(facts::leased{.lease = 2, .client = 5})
      .then(accepted(1, 4));
  const facts::dropped again{
      .lease = 1, .client = 4, .why = federated::drop_reason::duplicate};
  const facts::dropped forged{
      .lease = 9, .client = 77777, .why = federated::drop_reason::unknown};
  story_.then(again).then(again).then(forged);

  hear();

  EXPECT_EQ(value("leases_outstanding"), "1");
}

TEST_F(metrics_test, lets_a_new_lease_replace_its_clients_old_one) {
  story_.then(fashion_start())
      .then(facts::leased{.lease = 1, .client = 4})
      .then(facts::leased{.lease = 2, .client = 4})
      .then(facts::dropped{
          .lease = 1, .client = 4, .why = federated::drop_reason::late});

  hear();

  EXPECT_EQ(value("leases_outstanding"), "1");
}

TEST_F(metrics_test, shows_slots_busy_idle_and_lost) {
  story_.then(fashion_start()).then(facts::leased{.lease = 1, .client = 1});
  hear();
  EXPECT_EQ(value("compute_slots{state=\"busy\"}"), "1");
  EXPECT_EQ(value("compute_slots{state=\"idle\"}"), "1");

  story_.then(facts::leased{.lease = 2, .client = 2});
  story_.then(facts::leased{.lease = 3, .client = 3});
  story_.then(facts::slot_lost{.slot = 0, .client = 1, .lease = 1});
  hear();

  EXPECT_EQ(value("compute_slots{state=\"busy\"}"), "1");
  EXPECT_EQ(value("compute_slots{state=\"idle\"}"), "0");
  EXPECT_EQ(value("compute_slots{state=\"lost\"}"), "1");

  story_.then(facts::slot_returned{.slot = 0});
  hear();

  EXPECT_EQ(value("compute_slots{state=\"busy\"}"), "2");
  EXPECT_EQ(value("compute_slots{state=\"lost\"}"), "0");
}

TEST_F(metrics_test, adds_up_how_long_slots_wait) {
  story_.then(fashion_start()); // two slots
  hear();
  story_.after(2s).then(facts::leased{1, 3, 0});
  hear();
  EXPECT_EQ(value("idle_slot_seconds_total"), "4");
  story_.after(1s).then(facts::requeued{1, 3});
  hear();
  EXPECT_EQ(value("idle_slot_seconds_total"), "5");

  story_.after(1s).then(ended("completed"));
  hear();
  story_.after(9s).then(facts::evaluated{});
  hear();
  EXPECT_EQ(value("idle_slot_seconds_total"), "7") << "nobody waits any more";
}

TEST_F(metrics_test, tells_how_evenly_clients_contribute) {
  auto start = fashion_start();
  start.clients = 4;
  story_.then(start);
  hear();
  EXPECT_EQ(value("contribution_fairness"), "absent")
      << "nothing has counted yet";

  for (client_id i = 0; i < 4; ++i)
    story_.then(facts::accepted{.lease = i, .client = i});
  hear();
  EXPECT_EQ(value("contributors"), "4");
  EXPECT_EQ(value("contribution_fairness"), "1");

  for (lease_id i = 0; i < 4; ++i)
    story_.then(facts::accepted{.lease = 10 + i, .client = 2});
  hear();
  EXPECT_EQ(value("contributors"), "4");
  // (1 + 1 + 5 + 1)^2 / (4 (1 + 1 + 25 + 1))
  EXPECT_EQ(value("contribution_fairness").substr(0, 7), "0.57142");

  story_.then(facts::client_joined{.client = 7});
  hear();
  EXPECT_EQ(value("contribution_fairness").substr(0, 7), "0.28571");
}

TEST_F(metrics_test, counts_clients_and_slots_that_come_and_go) {
  story_.then(fashion_start());
  hear();
  const auto clients = std::stoi(value("clients{state=\"idle\"}"));

  story_.then(facts::client_joined{.client = 500})
      .then(facts::leased{.lease = 1, .client = 500})
      .then(facts::slot_joined{.slot = 2});
  hear();
  EXPECT_EQ(value("clients{state=\"idle\"}"), std::to_string(clients));
  EXPECT_EQ(value("clients{state=\"leased\"}"), "1");
  EXPECT_EQ(value("compute_slots{state=\"idle\"}"), "2");

  story_.then(facts::client_left{.client = 500})
      .then(facts::slot_left{.slot = 0});
  hear();
  EXPECT_EQ(value("clients{state=\"idle\"}"), std::to_string(clients));
  EXPECT_EQ(value("clients{state=\"leased\"}"), "0");
  EXPECT_EQ(value("compute_slots{state=\"idle\"}"), "2");
}

TEST_F(metrics_test, shows_the_last_version_and_evaluation) {
  story_.then(facts::published{.version = 9,
      .round = 10,
      .updates = 10,
      .total_updates = 90,
      .loss = 0.5,
      .seconds = 2.0});
  story_.then(facts::evaluated{
      .version = 8, .loss = 0.4, .accuracy = 0.875, .seconds = 0.1});
  story_.then(facts::evaluated{
      .version = 9, .loss = 0.375, .accuracy = 0.75, .seconds = 0.1});
  story_.then(stored(7));

  hear();

  EXPECT_EQ(value("model_version"), "9");
  EXPECT_EQ(value("model_updates"), "90");
  EXPECT_EQ(value("training_loss"), "0.5");
  EXPECT_EQ(value("accuracy"), "0.75");
  EXPECT_EQ(value("best_accuracy"), "0.875");
  EXPECT_EQ(value("loss"), "0.375");
  EXPECT_EQ(value("evaluated_version"), "9");
  EXPECT_EQ(value("stored_version"), "7");
  EXPECT_EQ(value("round_seconds_bucket{le=\"1\"}"), "0");
  EXPECT_EQ(value("round_seconds_bucket{le=\"3\"}"), "1");
  EXPECT_EQ(value("evaluation_seconds_count"), "2");
  EXPECT_EQ(value("store_seconds_count"), "1");
}

TEST_F(metrics_test, counts_rounds_begun_and_skipped) {
  story_.then(facts::round_started{.round = 1, .cohort = 10})
      .then(facts::round_skipped{.round = 1, .accepted = 0, .needed = 1})
      .then(facts::round_started{.round = 2, .cohort = 10});

  hear();

  EXPECT_EQ(value("rounds_started_total"), "2");
  EXPECT_EQ(value("rounds_skipped_total"), "1");
}

TEST_F(metrics_test, counts_nodes_by_state) {
  hear();
  EXPECT_EQ(value("nodes{state=\"member\"}"), "absent") << "no cluster";

  story_.then(facts::node_changed{"alpha", "lost", 9, 1, 2, 3, 4, 5});
  hear();

  EXPECT_EQ(value("nodes{state=\"joining\"}"), "1");
  EXPECT_EQ(value("nodes{state=\"member\"}"), "2");
  EXPECT_EQ(value("nodes{state=\"draining\"}"), "3");
  EXPECT_EQ(value("nodes{state=\"left\"}"), "4");
  EXPECT_EQ(value("nodes{state=\"lost\"}"), "5");
  EXPECT_EQ(value("membership_epoch"), "9");
}

TEST_F(metrics_test, counts_nodes_that_come_and_go) {
  story_.then(facts::node_joined{"alpha", 1, 2})
      .then(facts::node_joined{"beta", 2, 2})
      .then(facts::node_left{"alpha", 3, "it closed", true, 0.25})
      .then(facts::node_left{"beta", 4, "drained", false})
      .then(facts::node_joined{"alpha", 5, 2})
      .then(facts::node_left{"alpha", 6, "it has come back", true});
  hear();

  EXPECT_EQ(value("nodes_joined_total"), "3");
  EXPECT_EQ(value("nodes_gone_total{how=\"lost\"}"), "2");
  EXPECT_EQ(value("nodes_gone_total{how=\"left\"}"), "1");
  EXPECT_EQ(value("detection_seconds_count"), "1")
      << "of the other, nobody knows";
  EXPECT_EQ(value("detection_seconds_sum"), "0.25");
}

TEST_F(metrics_test, counts_refused_nodes_by_a_bounded_set_of_reasons) {
  for (const auto* why : {"other_data", "other_data", "identity_taken",
           "stranger", "not_ready", "", "x"})
    story_.then(facts::node_refused{"alpha", why, "text"});
  hear();

  EXPECT_EQ(value("nodes_refused_total{reason=\"other_data\"}"), "2");
  EXPECT_EQ(value("nodes_refused_total{reason=\"identity_taken\"}"), "1");
  EXPECT_EQ(value("nodes_refused_total{reason=\"to_be_lowered\"}"), "0");
  EXPECT_EQ(value("nodes_refused_total{reason=\"stranger\"}"), "1");
  EXPECT_EQ(value("nodes_refused_total{reason=\"not_ready\"}"), "1");
  EXPECT_EQ(value("nodes_refused_total{reason=\"full\"}"), "0");
  EXPECT_EQ(value("nodes_refused_total{reason=\"other\"}"), "2");
  EXPECT_EQ(text_.find("reason=\"x\""), std::string::npos);
}

TEST_F(metrics_test, measures_how_long_lost_leases_wait) {
  story_.then(fashion_start())
      .then(facts::leased{.lease = 1, .client = 1})
      .then(facts::leased{.lease = 2, .client = 2})
      .after(1s)
      .then(facts::requeued{.lease = 1, .client = 1})
      .then(facts::requeued{.lease = 2, .client = 2})
      .after(250ms)
      .then(facts::leased{.lease = 3, .client = 1})
      .after(250ms)
      .then(facts::leased{.lease = 4, .client = 2})
      .then(facts::leased{.lease = 5, .client = 3});
  hear();

  EXPECT_EQ(value("recovery_seconds_count"), "1");
  EXPECT_EQ(value("recovery_seconds_sum"), "0.5");
}

TEST_F(metrics_test, measures_how_long_a_run_takes_to_go_on) {
  auto resumed = fashion_start();
  resumed.incarnation = 1;
  resumed.version = 7;
  figures_.began_after(0.25);
  story_.then(resumed).after(500ms).then(facts::published{.version = 8});
  hear();
  EXPECT_EQ(value("resume_seconds"), "0.75");

  story_.after(500ms).then(facts::published{.version = 9});
  hear();
  EXPECT_EQ(value("resume_seconds"), "0.75") << "it was the first alone";
}

TEST_F(metrics_test, measures_no_resumption_of_a_fresh_run) {
  story_.then(fashion_start()).then(facts::published{.version = 1});
  hear();

  EXPECT_EQ(value("resume_seconds"), "absent");
}

TEST_F(metrics_test, ends_with_nothing_outstanding) {
  story_.then(fashion_start())
      .then(facts::leased{.lease = 1, .client = 1})
      .then(ended("interrupted"));

  hear();

  EXPECT_EQ(value("run_active"), "0");
  EXPECT_EQ(value("leases_outstanding"), "0");
  EXPECT_EQ(value("compute_slots{state=\"busy\"}"), "0");
}

TEST_F(metrics_test, outlives_itself_for_the_exposer) {
  auto gone = std::make_unique<metrics>();
  gone->add(story_.then(fashion_start()).told());

  auto collectable = gone->collectable();
  gone.reset();

  EXPECT_EQ(sample(exposition(*collectable), "troupe_run_active"), "1");
}

} // namespace

} // namespace troupe::monitoring
