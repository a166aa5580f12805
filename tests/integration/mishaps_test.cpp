// Learners that fail, in a program of their own.
#include <gtest/gtest.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

class mishaps_test : public testing::Test {
protected:
  finished happen(const std::string& what, words options = {}) {
    options.insert(options.begin(), {TROUPE_MISHAPS, "--out", place_ / "run"});
    return run({std::move(options), {{"MISHAP", what}}, {}, {}});
  }

  record left() const { return record{place_ / "run"}; }

  scratch_directory place_;
};

TEST_F(mishaps_test, goes_on_without_a_client_that_throws) {
  auto said = happen("one throws");

  expect_code(said, 0);
  EXPECT_TRUE(holds(said.text(), "client 3 failed: no power at home"))
      << said.text();
  EXPECT_EQ(left().summary().at("updates_accepted"), 27);
  auto failures = left().all<facts::client_failed>();
  ASSERT_EQ(failures.size(), 3u);
  EXPECT_EQ(failures[0].client, 3u);
}

TEST_F(mishaps_test, goes_on_without_a_client_that_spoils_its_parameters) {
  auto said = happen("one spoils");

  expect_code(said, 0);
  EXPECT_TRUE(holds(said.text(), "client 4 failed")) << said.text();
  EXPECT_EQ(left().summary().at("updates_accepted"), 27);
}

TEST_F(mishaps_test, names_the_failing_client_even_when_quiet) {
  auto said = happen("one throws", {"--quiet"});

  expect_code(said, 0);
  EXPECT_TRUE(holds(said.text(), "client 3")) << said.text();
}

TEST_F(mishaps_test, fails_when_all_clients_fail) {
  auto said = happen("all throw");

  expect_code(said, 1);
  EXPECT_TRUE(holds(said.err, "flood")) << said.err;
  EXPECT_FALSE(left().has("summary.json"));
  EXPECT_EQ(left().all<facts::run_ended>().at(0).outcome, "failed");
}

TEST_F(mishaps_test, skips_a_round_with_too_few_updates) {
  auto said = happen("most throw", {"--set", "federation.min_updates=2"});

  expect_code(said, 1);
  EXPECT_TRUE(holds(said.text(), "skipped")) << said.text();
  EXPECT_TRUE(holds(said.err, "no round had enough updates")) << said.err;
  auto skipped = left().all<facts::round_skipped>();
  ASSERT_EQ(skipped.size(), 3u); // version 0 stays, so they fail again
  EXPECT_EQ(skipped[0].accepted, 1u);
  EXPECT_EQ(skipped[0].needed, 2u);
  EXPECT_FALSE(left().has("summary.json"));
}

TEST_F(mishaps_test, adds_nothing_of_a_skipped_round) {
  auto said = happen("most oversleep", {"--set", "federation.min_updates=2"});

  expect_code(said, 0);
  EXPECT_EQ(left().all<facts::round_skipped>().size(), 1u);
  EXPECT_EQ(left().summary().at("version"), 2);
  EXPECT_EQ(left().summary().at("updates_accepted"), 20);
  auto undisturbed = run({{TROUPE_MISHAPS, "--out", place_ / "undisturbed",
      "--set", "run.rounds=2", "--set", "federation.min_updates=2"}});
  expect_code(undisturbed, 0);
  EXPECT_EQ(
      left().model_sha256(), record{place_ / "undisturbed"}.model_sha256());
}

TEST_F(mishaps_test, counts_a_slot_as_lost_whose_learner_stays) {
  auto said = happen("one stays", {"--set", "federation.lease_seconds=0.3",
                                      "--set", "compute.stop_grace=0.3"});

  expect_code(said, 0);
  EXPECT_TRUE(holds(said.text(), "client 5")) << said.text();
  EXPECT_TRUE(holds(said.text(), "slot")) << said.text();
  ASSERT_EQ(left().all<facts::slot_lost>().size(), 1u);
  EXPECT_EQ(left().all<facts::slot_lost>()[0].client, 5u);
  EXPECT_EQ(left().summary().at("updates_accepted"), 29);
  EXPECT_EQ(left().summary().at("slots_lost"), 1);
}

TEST_F(mishaps_test, fails_when_no_slot_is_left) {
  auto said = happen("all stay", {"--set", "federation.lease_seconds=0.3",
                                     "--set", "compute.stop_grace=0.3"});

  expect_code(said, 1);
  EXPECT_TRUE(holds(said.err, "no compute slot is left")) << said.err;
  EXPECT_EQ(left().all<facts::slot_lost>().size(), 2u);
}

TEST_F(mishaps_test, fails_when_the_last_version_cannot_be_evaluated) {
  auto said = happen("evaluation throws");

  expect_code(said, 1);
  EXPECT_TRUE(holds(said.err, "version 3 could not be evaluated: "
                              "the test set is gone"))
      << said.err;
  EXPECT_FALSE(left().has("summary.json"));
  EXPECT_EQ(left().all<facts::run_ended>().at(0).outcome, "failed");
  // The version is safe, and is scored once that can be done.
  auto again =
      run({{TROUPE_MISHAPS, "--resume", "--out", place_ / "run"}, {}, {}, {}});
  expect_code(again, 0);
  EXPECT_EQ(left().summary().at("version"), 3);
  EXPECT_EQ(left().summary().at("accuracy"), 0.5);
}

TEST_F(mishaps_test, fails_when_an_evaluation_takes_longer_than_ten_leases) {
  auto said =
      happen("evaluation stays", {"--set", "federation.lease_seconds=0.1",
                                     "--set", "compute.stop_grace=0.3"});

  expect_code(said, 1);
  EXPECT_TRUE(holds(said.err, "version 3 could not be evaluated: no answer "
                              "within 1 s, 10 times federation.lease_seconds"))
      << said.err;
  auto lost = left().all<facts::slot_lost>();
  EXPECT_EQ(lost.size(), 1u);
  EXPECT_EQ(left().all<facts::run_ended>().at(0).outcome, "failed");
}

} // namespace

} // namespace troupe::tests
