#include "monitoring/progress_line.hpp"

#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitoring/wording.hpp"
#include "tests/monitoring/story.hpp"

namespace troupe::monitoring {

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class progress_line_test : public testing::Test {
protected:
  std::vector<std::string> said() {
    std::vector<remark> remarks;
    for (const auto& f : story_.told())
      line_.hear(f, remarks);
    std::vector<std::string> texts;
    for (const auto& r : remarks)
      texts.push_back(r.text);
    return texts;
  }

  void start() {
    story_.then(fashion_start());
    said();
  }

  void rounds(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      ++version_;
      story_.then(facts::round_started{.round = version_, .cohort = 10})
          .after(100ms)
          .then(facts::published{.version = version_,
              .round = version_,
              .updates = 10,
              .total_updates = 10 * version_,
              .loss = 0.75,
              .seconds = 0.1});
    }
  }

  void evaluation(double accuracy, double loss) {
    story_.then(facts::evaluated{.version = version_,
        .samples = 10000,
        .loss = loss,
        .accuracy = accuracy,
        .seconds = 0.1});
  }

  story story_;
  progress_line line_;
  std::uint64_t version_ = 0;
};

TEST_F(progress_line_test, introduces_the_run) {
  story_.then(fashion_start());

  EXPECT_THAT(
      said(), ElementsAre("fashion: fedavg, 100 clients, 50 rounds, 199,210 "
                          "parameters, 2 slots, seed 7"));
}

TEST_F(progress_line_test, says_what_a_run_is_taken_up_from) {
  auto resumed = fashion_start();
  resumed.rule = "fedbuff";
  resumed.unit = "version";
  resumed.incarnation = 1;
  resumed.version = 20;
  story_.then(resumed);

  EXPECT_THAT(said(),
      ElementsAre("fashion: fedbuff, 100 clients, 50 versions, 199,210 "
                  "parameters, 2 slots, seed 7, taken up from version 20"));
}

TEST_F(progress_line_test, counts_the_updates_of_the_versions_before_it) {
  auto resumed = fashion_start();
  resumed.incarnation = 1;
  resumed.version = 20;
  resumed.updates = 200;
  story_.then(resumed).then(facts::run_ended{"interrupted", "", 20});

  EXPECT_THAT(said().back(), testing::HasSubstr("  200 updates in "));
}

TEST_F(progress_line_test, remembers_the_best_of_the_processes_before_it) {
  auto resumed = fashion_start();
  resumed.incarnation = 1;
  resumed.version = 40;
  resumed.best_version = 30;
  resumed.best_accuracy = 0.8434;
  story_.then(resumed);
  version_ = 40;
  rounds(10);
  evaluation(0.84, 0.41);
  story_.then(ended("completed", 50));

  EXPECT_THAT(said().back(),
      testing::StartsWith("completed: version 50/50  accuracy 0.8400  loss "
                          "0.4100  best 0.8434 at version 30  500 updates"));
}

TEST_F(progress_line_test, counts_the_updates_in_the_version_it_scored) {
  start();
  rounds(12);
  story_.then(facts::evaluated{.version = 10, .loss = 0.5, .accuracy = 0.8});
  rounds(2);
  story_.then(facts::evaluated{.version = 13, .loss = 0.5, .accuracy = 0.8})
      .then(facts::evaluated{.version = 14, .loss = 0.5, .accuracy = 0.8});

  EXPECT_THAT(said(), ElementsAre(testing::HasSubstr("  100 updates  "),
                          testing::HasSubstr("  130 updates  "),
                          testing::HasSubstr("  140 updates  ")));
}

TEST_F(progress_line_test, stays_ahead_of_the_version_it_scored) {
  start();
  rounds(21);
  story_.then(facts::evaluated{.version = 20, .loss = 0.5, .accuracy = 0.8});
  said();

  EXPECT_THAT(line_.live(79),
      testing::MatchesRegex("fashion  .*>.*  version 21/50  accuracy .*"));
}

TEST_F(progress_line_test, says_that_the_target_is_reached) {
  start();
  story_.then(ended("target_reached", 15));

  EXPECT_THAT(said(),
      ElementsAre("reached the target: version 15/50  0 updates in 00:00"));
}

TEST_F(progress_line_test, groups_the_thousands_of_versions_too) {
  auto told = fashion_start();
  told.rounds = 3000;
  told.incarnation = 1;
  told.version = 1200;
  story_.then(told).then(facts::evaluated{.version = 1200});

  EXPECT_THAT(
      said(), ElementsAre(testing::AllOf(testing::HasSubstr("3,000 rounds"),
                              testing::EndsWith("from version 1,200")),
                  testing::StartsWith("version 1,200/3,000  ")));
}

TEST_F(progress_line_test, tells_every_evaluation) {
  start();
  rounds(10);
  evaluation(0.78125, 0.6123);

  EXPECT_THAT(said(),
      ElementsAre("version 10/50  accuracy 0.7812  loss 0.6123  100 updates  "
                  "100 updates/s  eta 00:04"));
}

TEST_F(progress_line_test, has_no_eta_at_the_last_round) {
  start();
  rounds(50);
  evaluation(0.8, 0.5);

  EXPECT_THAT(said(),
      ElementsAre("version 50/50  accuracy 0.8000  loss 0.5000  500 updates  "
                  "100 updates/s"));
}

TEST_F(progress_line_test, takes_the_eta_from_recent_rounds) {
  start();
  rounds(1);
  story_.then(facts::published{.version = 2, .round = 2, .seconds = 1000.0});
  version_ = 2;
  rounds(16);
  evaluation(0.5, 1.0);

  EXPECT_THAT(said().back(), testing::HasSubstr("eta 00:03"));
}

TEST_F(progress_line_test, names_clients_that_fail) {
  start();
  story_.then(failed(3, 17)).then(failed(4, 18, "bad\nthing"));

  EXPECT_THAT(said(), ElementsAre("client 17 failed: loss is nan",
                          "client 18 failed: bad thing"));
}

TEST_F(progress_line_test, tells_ten_failures_then_the_hundredth) {
  start();
  for (lease_id lease = 0; lease < 1000; ++lease)
    story_.then(failed(lease, 7));

  const auto texts = said();

  ASSERT_EQ(texts.size(), 12u);
  EXPECT_EQ(texts[8], "client 7 failed: loss is nan");
  EXPECT_EQ(texts[9],
      "client 7 failed: loss is nan (10 so far, the next is told at 100)");
  EXPECT_EQ(texts[10],
      "client 7 failed: loss is nan (100 so far, the next is told at 1,000)");
  EXPECT_EQ(texts[11],
      "client 7 failed: loss is nan (1,000 so far, the next is told at "
      "10,000)");
}

TEST_F(progress_line_test, names_a_lost_slot_and_who_holds_it) {
  start();
  story_.then(facts::slot_lost{.slot = 1, .client = 5, .lease = 9});

  EXPECT_THAT(said(),
      ElementsAre("slot 1 lost: client 5 did not return after its stop token "
                  "was set; 1 of 2 slots left"));
}

TEST_F(progress_line_test, says_why_a_slot_was_lost_and_that_it_is_back) {
  start();
  story_.then(facts::slot_lost{.slot = 1, .why = "cuda:0: gone"});
  story_.then(facts::slot_returned{.slot = 1});

  EXPECT_THAT(
      said(), ElementsAre("slot 1 lost: cuda:0: gone; 1 of 2 slots left",
                  "slot 1 is back; 2 of 2 slots left"));
}

TEST_F(progress_line_test, says_what_the_run_waits_for_and_who_comes) {
  start();
  story_.then(facts::waiting{"clients", 1, 3});
  story_.then(facts::slot_joined{.slot = 2});
  story_.then(facts::slot_left{.slot = 0});
  story_.then(facts::client_left{4, "gone"});

  EXPECT_THAT(said(),
      ElementsAre("waiting for clients: 1 of 3 are there",
          "slot 2 has joined; 3 of 3 slots left",
          "slot 0 has left; 2 of 2 slots left", "client 4 has left: gone"));
}

TEST_F(progress_line_test, names_nodes_that_come_and_go) {
  start();
  story_.then(facts::node_changed{"alpha", "joining", 1, 1})
      .then(facts::node_changed{"alpha", "member", 2, 0, 1})
      .then(facts::node_joined{"alpha", 2, 1, "10.0.0.2:5"})
      .then(facts::node_serves{"alpha", "10.0.0.2:9464"})
      .then(facts::node_refused{"beta", "other_data", "its labels differ"})
      .then(facts::node_changed{"alpha", "draining", 3, 0, 0, 1})
      .then(facts::node_changed{"alpha", "left", 4, 0, 0, 0, 1})
      .then(facts::node_left{"alpha", 4, "drained"})
      .then(facts::node_left{"gamma", 5, "it was silent for 3 s", true, 3.1});

  EXPECT_THAT(
      said(), ElementsAre("node alpha has joined from 10.0.0.2:5, with 1 slot",
                  "node beta is not let in: its labels differ",
                  "node alpha finishes what it has, and leaves",
                  "node alpha has left: drained",
                  "node gamma is lost: it was silent for 3 s"));
}

TEST_F(progress_line_test, says_what_a_node_calls_itself_on_one_line) {
  start();
  story_.then(facts::node_joined{"a\x1b[2J\nb", 2, 1, "x\ny"})
      .then(facts::node_left{"a\nb", 3})
      .then(facts::node_changed{"a\nb", "draining", 3})
      .then(facts::node_refused{"a\nb", "full", "c\nd"});

  for (const auto& text : said())
    for (const unsigned char c : text)
      EXPECT_GE(c, 0x20) << text;
}

TEST_F(progress_line_test, tells_ten_refusals_then_the_hundredth) {
  start();
  for (int i = 0; i < 100; ++i)
    story_.then(facts::node_refused{"beta", "other_data", "no"});

  const auto texts = said();

  ASSERT_EQ(texts.size(), 11u);
  EXPECT_EQ(texts.back(),
      "node beta is not let in: no (100 so far, the next is told at 1,000)");
}

TEST_F(progress_line_test, shows_how_many_nodes_there_are_in_a_cluster) {
  start();
  EXPECT_EQ(line_.live(200).find("node"), std::string::npos);

  story_.then(facts::node_changed{"alpha", "member", 2, 1, 2, 1, 4, 5});
  said();

  EXPECT_NE(line_.live(200).find("3 nodes"), std::string::npos)
      << line_.live(200);
}

TEST_F(progress_line_test, says_which_rule_takes_over) {
  start();
  story_.then(
      facts::rule_changed{12, "fedbuff", "federation.rule=fedbuff", "asked"});
  story_.then(facts::rule_changed{13, "fedbuff", {}, "version 13, which"});

  EXPECT_THAT(said(),
      ElementsAre(testing::HasSubstr(
                      "fedbuff takes over (asked: federation.rule=fedbuff)"),
          testing::HasSubstr(
              "fedbuff goes on (version 13, which: nothing changed)")));
}

TEST_F(progress_line_test, says_for_whom_the_run_waits_and_that_it_goes_on) {
  start();
  story_.then(facts::waiting{"nodes", 1, 2, "beta"});
  story_.then(facts::went_on{"nodes"});
  story_.then(facts::slot_joined{.slot = 2, .count = 4});

  EXPECT_THAT(
      said(), ElementsAre("waiting for nodes: 1 of 2 are there; missing: beta",
                  "going on: enough nodes are there",
                  "slots 2 to 5 have joined; 6 of 6 slots left"));
}

TEST_F(progress_line_test, says_that_no_bits_are_promised) {
  start();
  story_.then(facts::fingerprint_mixed{"beta", "cpu; abacus"});

  EXPECT_THAT(said(),
      ElementsAre("node beta computes by another fingerprint, cpu; abacus: no "
                  "bits are promised from here on"));
}

TEST_F(progress_line_test, says_why_a_round_changed_nothing) {
  start();
  story_.then(facts::round_skipped{.round = 3, .accepted = 1, .needed = 5});

  EXPECT_THAT(
      said(), ElementsAre("round 3 skipped: 1 update accepted, 5 needed"));
}

TEST_F(progress_line_test, sums_up_a_run_that_is_done) {
  start();
  rounds(40);
  evaluation(0.85, 0.4);
  rounds(10);
  evaluation(0.84, 0.41);
  said();
  story_.then(ended("completed", 50));

  EXPECT_THAT(said(),
      ElementsAre("completed: version 50/50  accuracy 0.8400  loss 0.4100  "
                  "best 0.8500 at version 40  500 updates in 00:05"));
}

TEST_F(progress_line_test, ends_with_the_reason_of_a_failure) {
  start();
  rounds(3);
  story_.then(failed(1, 1));
  said();
  story_.then(ended("failed", 3, "every client of round 4 failed"));

  std::vector<remark> remarks;
  for (const auto& f : story_.told())
    line_.hear(f, remarks);

  ASSERT_EQ(remarks.size(), 1u);
  EXPECT_EQ(remarks[0].text,
      "failed at version 3/50: every client of round 4 failed  1 failure");
  EXPECT_TRUE(remarks[0].error);
  EXPECT_FALSE(line_.running());
}

TEST_F(progress_line_test, shows_clients_done_of_the_cohort) {
  start();
  rounds(10);
  evaluation(0.78125, 0.6123);
  story_.then(facts::round_started{.round = 11, .cohort = 10});
  for (lease_id lease = 0; lease < 7; ++lease)
    story_.then(accepted(lease, static_cast<client_id>(lease)));
  said();

  EXPECT_EQ(line_.live(112),
      "fashion  [==>       ]  version 10/50  accuracy 0.7812  loss 0.6123  "
      "clients  7/10  100 updates/s  eta 00:04");
}

TEST_F(progress_line_test, shows_what_trains_where_there_are_no_rounds) {
  start();
  for (client_id client = 0; client < 3; ++client)
    story_.then(facts::leased{.lease = client, .client = client});
  story_.after(500ms).then(accepted(0, 0));
  said();

  EXPECT_EQ(
      line_.live(60), "fashion  version 0/50  training 2  2.00 updates/s");
}

TEST_F(progress_line_test, shows_the_training_loss_before_any_evaluation) {
  start();
  rounds(1);
  said();

  EXPECT_EQ(line_.live(90), "fashion  version 1/50  training loss 0.7500  "
                            "clients  0/10  100 updates/s  "
                            "eta 00:05");
}

TEST_F(progress_line_test, drops_what_matters_least_first) {
  start();
  rounds(10);
  evaluation(0.78125, 0.6123);
  said();

  EXPECT_EQ(line_.live(75),
      "fashion  version 10/50  accuracy 0.7812  clients  0/10  eta 00:04");
  EXPECT_EQ(line_.live(60),
      "version 10/50  accuracy 0.7812  clients  0/10  eta 00:04");
  EXPECT_EQ(line_.live(45), "version 10/50  accuracy 0.7812  eta 00:04");
  EXPECT_EQ(line_.live(34), "version 10/50  accuracy 0.7812");
  EXPECT_EQ(line_.live(20), "version 10/50");
  EXPECT_EQ(line_.live(9), "version 1");
}

TEST_F(progress_line_test, fits_every_width) {
  auto wide = fashion_start();
  wide.name = "größe";
  story_.then(wide);
  rounds(3);
  evaluation(std::nan(""), std::nan(""));
  said();

  for (std::size_t width = 1; width <= 200; ++width)
    EXPECT_LE(columns(line_.live(width)), width);
  EXPECT_GT(columns(line_.live(200)), 100u);
}

} // namespace

} // namespace troupe::monitoring
