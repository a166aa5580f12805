#include "actors/aggregator.hpp"

#include <algorithm>
#include <atomic>
#include <set>

#include <gtest/gtest.h>

#include "actors/guard.hpp"
#include "protocols/errc.hpp"
#include "tests/support/stage.hpp"

namespace troupe::tests {
namespace {

script three_rounds() {
  script s;
  s.rule = fedavg_rule(3);
  return s;
}

TEST(aggregator_test, completes_its_rounds) {
  auto run = play(three_rounds());

  EXPECT_EQ(run.report.outcome, run_outcome::completed);
  EXPECT_EQ(run.report.version, 3u);
  EXPECT_EQ(run.report.updates, 30u);
  EXPECT_EQ(run.all<facts::accepted>().size(), 30u);
  EXPECT_EQ(run.all<facts::published>().size(), 3u);
  EXPECT_TRUE(run.report.scored);
}

TEST(aggregator_test, numbers_facts_without_gaps) {
  auto run = play(three_rounds());

  for (std::size_t i = 0; i < run.facts.size(); ++i)
    ASSERT_EQ(run.facts[i].number, i + 1);
  EXPECT_TRUE(
      std::holds_alternative<facts::run_started>(run.facts.front().what));
  EXPECT_TRUE(std::holds_alternative<facts::run_ended>(run.facts.back().what));
}

TEST(aggregator_test, publishes_the_same_bits_at_any_number_of_slots) {
  auto s = three_rounds();
  s.rule = fedavg_rule(5, 0.6);
  s.slots = 1;
  auto one = play(s).parameters();

  for (std::size_t slots : {2, 8}) {
    s.slots = slots;
    EXPECT_EQ(play(s).parameters(), one) << slots << " slots";
  }
}

TEST(aggregator_test, goes_on_when_a_client_throws) {
  auto s = three_rounds();
  s.mishap = [](const training::assignment& work, std::stop_token) -> bool {
    if (work.client == 3)
      throw std::runtime_error("no power at home");
    return false;
  };

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::completed);
  EXPECT_EQ(run.report.updates, 27u);
  auto failures = run.all<facts::client_failed>();
  ASSERT_EQ(failures.size(), 3u);
  EXPECT_EQ(failures.front().client, 3u);
  EXPECT_EQ(failures.front().why, "no power at home");
}

TEST(aggregator_test, names_a_client_whose_parameters_are_not_finite) {
  auto s = three_rounds();
  s.mishap = [](const training::assignment& work, std::stop_token) {
    return work.client == 4;
  };

  auto run = play(s);

  EXPECT_EQ(run.report.updates, 27u);
  EXPECT_NE(run.all<facts::client_failed>().front().why.find("not finite"),
      std::string::npos);
}

// Client c moves every parameter by about lr x c; a weight of 0.1 leaves room
// for 10240. What does not fit must never count, however late the shard is.
TEST(aggregator_test, fails_a_client_that_diverged_before_it_counts) {
  federated::settings common;
  common.rounds = 3;
  common.min_updates = 8;
  for (std::size_t slots : {1, 2, 8}) {
    script s;
    s.rule = federated::fedavg{common, 1.0};
    s.recipe.lr = 2000.0f;
    s.slots = slots;

    auto run = play(s);

    EXPECT_EQ(run.report.outcome, run_outcome::failed);
    EXPECT_EQ(run.report.version, 0u);
    EXPECT_EQ(run.report.updates, 0u);
    EXPECT_EQ(run.all<facts::round_skipped>().size(), 3u);
    EXPECT_NE(
        text(run.report.why).find("no round had enough updates for a version"),
        std::string::npos);
    std::set<lease_id> counted;
    for (const auto& x : run.all<facts::accepted>())
      counted.insert(x.lease);
    auto failed = run.all<facts::client_failed>();
    ASSERT_GE(failed.size(), 3u * 3u);
    for (const auto& x : failed)
      EXPECT_FALSE(counted.contains(x.lease)) << x.why;
    EXPECT_NE(failed.front().why.find("it diverged"), std::string::npos);
  }
}

TEST(aggregator_test, fails_when_every_client_fails) {
  auto s = three_rounds();
  s.mishap = [](const training::assignment&, std::stop_token) -> bool {
    throw std::runtime_error("flood");
  };

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::failed);
  EXPECT_EQ(run.report.why, errc::all_failed);
  EXPECT_NE(text(run.report.why).find("flood"), std::string::npos);
}

TEST(aggregator_test, counts_a_slot_lost_whose_learner_ignores_its_stop) {
  auto s = three_rounds();
  auto release = std::make_shared<std::atomic<bool>>(false);
  s.lease_time = std::chrono::seconds{1};
  s.stop_grace = std::chrono::milliseconds{200};
  s.mishap = [=](const training::assignment& work, std::stop_token) {
    if (work.client == 5 && work.version == 0)
      release->wait(false);
    return false;
  };
  // The run itself must not wait for this; its process does, to end in peace.
  s.afterwards = [=] {
    *release = true;
    release->notify_all();
  };

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::completed);
  EXPECT_EQ(run.report.slots_lost, 1u);
  ASSERT_EQ(run.all<facts::slot_lost>().size(), 1u);
  EXPECT_EQ(run.all<facts::slot_lost>().front().client, 5u);
  EXPECT_EQ(run.report.updates, 29u);
}

TEST(aggregator_test, ends_soon_when_interrupted) {
  auto s = three_rounds();
  s.rule = fedavg_rule(1'000'000);
  s.meanwhile = [](const troupe::aggregator& boss) {
    send_anonymously(boss, interrupt{});
  };

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::interrupted);
}

TEST(aggregator_test, stops_at_the_version_that_reached_the_target) {
  auto s = three_rounds();
  s.rule = fedavg_rule(100);
  s.evaluate_every = 2;
  s.target_accuracy = 0.4; // the small learner scores a half, always

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::target_reached);
  EXPECT_EQ(run.report.version, 2u);
  EXPECT_EQ(run.report.updates, 20u);
}

TEST(aggregator_test, resumes_to_the_bits_of_an_undisturbed_run) {
  auto s = three_rounds();
  s.rule = fedavg_rule(6, 0.5);
  auto whole = play(s);
  for (const auto& from : whole.stores) {
    auto rest = s;
    rest.restored = from.rule;
    rest.parameters_from = from.parameters;
    rest.incarnation = 1;

    auto resumed = play(rest);

    EXPECT_EQ(resumed.parameters(), whole.parameters());
    EXPECT_EQ(resumed.report.updates, whole.report.updates);
  }
}

// Only client 0 succeeds in the first round; its update must not leak into the
// second one, which everyone completes.
TEST(aggregator_test, forgets_the_updates_of_a_skipped_round) {
  auto s = three_rounds();
  auto common = std::get<federated::fedavg>(fedavg_rule(2)).common();
  common.min_updates = 5;
  s.rule = federated::fedavg{common, 1.0};
  auto calls = std::make_shared<std::atomic<int>>(0);
  s.mishap = [=](const training::assignment& work, std::stop_token) -> bool {
    if (calls->fetch_add(1) < 10 && work.client != 0)
      throw std::runtime_error("not yet");
    return false;
  };

  auto run = play(s);

  s.mishap = {};
  s.rule = fedavg_rule(1);
  EXPECT_EQ(run.report.version, 1u);
  EXPECT_EQ(run.all<facts::round_skipped>().size(), 1u);
  EXPECT_EQ(run.parameters(), play(s).parameters());
}

TEST(aggregator_test, keeps_fedbuff_going_with_fewer_clients_than_its_buffer) {
  auto s = three_rounds();
  s.clients = 3;
  s.rule = fedbuff_rule(5, 10, 3);

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::completed);
  EXPECT_EQ(run.report.version, 5u);
}

TEST(aggregator_test, makes_fedavg_of_fedbuff_with_everyone_in_the_buffer) {
  auto s = three_rounds();
  s.rule = fedavg_rule(4);
  std::visit([](auto& r) { r.rounds(4); }, s.rule);
  auto average = play(s).parameters();
  s.rule = fedbuff_rule(4, s.clients, s.clients);

  auto buffered = play(s).parameters();

  EXPECT_EQ(buffered, average);
}

} // namespace
} // namespace troupe::tests
