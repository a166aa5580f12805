#include "actors/federated/aggregator_options.hpp"

#include <algorithm>
#include <atomic>
#include <set>

#include <gtest/gtest.h>

#include "actors/computing/compute.hpp"
#include "actors/computing/guard.hpp"
#include "protocols/errc.hpp"
#include "protocols/federated/fedavg.hpp"
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

TEST(aggregator_test, publishes_the_same_bits_with_any_number_of_shards) {
  using enum gpu::server_rule;
  auto s = three_rounds();
  s.rule = fedavg_rule(5, 0.6);
  s.server.lr = 0.7;
  std::set<std::vector<float>> models;
  for (auto server : {average, fed_avgm, fed_adagrad, fed_adam, fed_yogi}) {
    s.server.rule = server;
    s.shards = 1;
    auto one = play(s).parameters();
    EXPECT_TRUE(models.insert(one).second) << to_string(server);

    for (std::size_t shards : {2, 4, 7}) {
      s.shards = shards;
      auto run = play(s);
      EXPECT_EQ(run.parameters(), one) << to_string(server) << shards;
      EXPECT_EQ(run.report.updates, 30u);
    }
  }
}

// The first parameter alone is spoilt, and with it the first range.
TEST(aggregator_test, counts_an_update_in_no_shard_that_one_could_not_add) {
  auto s = three_rounds();
  s.mishap = [](const training::assignment& work, std::stop_token) {
    return work.client == 3;
  };
  auto one = play(s);
  s.shards = 4;

  auto four = play(s);

  EXPECT_EQ(four.parameters(), one.parameters());
  EXPECT_EQ(four.all<facts::client_failed>().size(), 3u);
  EXPECT_EQ(four.report.updates, 27u);
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
  s.rule = fedavg_rule(3, 1.0, 1, std::chrono::seconds{1});
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

// What holds a learner until it is let go, on the test's word.
struct latch_of_many {
  std::atomic<bool> open{false};
  std::atomic<int> waiting{0};
  void wait() {
    ++waiting;
    waiting.notify_all();
    open.wait(false);
  }
  void let_go() {
    open = true;
    open.notify_all();
  }
  void until_one_waits() {
    for (auto seen = waiting.load(); seen == 0; seen = waiting.load())
      waiting.wait(seen);
  }
};

TEST(aggregator_test, uses_a_slot_again_whose_learner_returned_late) {
  auto s = three_rounds();
  s.slots = 1;
  s.rule = fedavg_rule(1, 1.0, 1, std::chrono::milliseconds{300});
  s.stop_grace = std::chrono::seconds{2};
  auto lost = std::make_shared<std::atomic<bool>>(false);
  s.mishap = [=](const training::assignment& work, std::stop_token) {
    if (work.client == 5)
      lost->wait(false);
    return false;
  };
  s.on_fact = [=](const fact& f) {
    if (!std::holds_alternative<facts::slot_lost>(f.what))
      return;
    *lost = true;
    lost->notify_all();
  };

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::completed);
  EXPECT_EQ(run.report.slots_lost, 0u);
  EXPECT_EQ(run.report.updates, 9u);
  EXPECT_EQ(run.all<facts::slot_lost>().size(), 1u);
  EXPECT_EQ(run.all<facts::slot_returned>().size(), 1u);
}

TEST(aggregator_test, goes_on_without_a_slot_whose_actor_died) {
  auto s = three_rounds();
  s.rule = fedavg_rule(20);
  s.evaluate_every = 1;
  auto victim = std::make_shared<compute>();
  s.spawn_slots = [=](const script& what, caf::actor_system& system) {
    std::vector<compute_slot> slots;
    for (std::size_t i = 0; i < what.slots; ++i)
      slots.push_back({system.spawn<compute_impl, caf::detached>(gpu::device{},
                           small_learners(what.parameters, what.mishap)),
          0, {}});
    *victim = slots.front().who;
    return slots;
  };
  auto calls = std::make_shared<std::atomic<int>>(0);
  s.mishap = [=](const training::assignment&, std::stop_token) {
    if (calls->fetch_add(1) == 30)
      caf::anon_send(caf::actor_cast<caf::actor>(std::exchange(*victim, {})),
          caf::exit_msg{{},
              caf::make_error(errc::device_failed, std::string{"unplugged"})});
    return false;
  };
  auto whole = s;
  whole.spawn_slots = {};
  whole.mishap = {};

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::completed);
  EXPECT_EQ(run.report.updates, 200u);
  EXPECT_EQ(run.report.slots_lost, 1u);
  ASSERT_EQ(run.all<facts::slot_lost>().size(), 1u);
  EXPECT_EQ(run.all<facts::slot_lost>().front().why, "unplugged");
  EXPECT_TRUE(run.all<facts::client_failed>().empty());
  EXPECT_EQ(run.all<facts::evaluated>().size(), 20u);
  EXPECT_EQ(run.parameters(), play(whole).parameters());
}

TEST(aggregator_test, fails_when_its_last_version_cannot_be_scored) {
  auto s = three_rounds();
  s.doubt = [](std::stop_token) { throw std::runtime_error("no test set"); };

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::failed);
  EXPECT_EQ(run.report.why, errc::evaluation_failed);
  EXPECT_EQ(
      text(run.report.why), "version 3 could not be evaluated: no test set");
  ASSERT_FALSE(run.stores.empty());
  EXPECT_EQ(run.stores.back().version, 3u);
}

TEST(aggregator_test, loses_the_slot_of_an_evaluation_that_hangs) {
  auto s = three_rounds();
  auto held = std::make_shared<latch_of_many>();
  s.doubt = [=](std::stop_token) { held->wait(); };
  s.meanwhile = [=](const troupe::aggregator& aggregator) {
    held->until_one_waits();
    send_anonymously(aggregator, interrupt{});
  };
  s.afterwards = [=] { held->let_go(); };

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::interrupted);
  EXPECT_GE(run.report.slots_lost, 1u);
  for (const auto& lost : run.all<facts::slot_lost>())
    EXPECT_EQ(lost.why, "the evaluation of version 3 ignored its stop token");
}

TEST(aggregator_test, bounds_an_evaluation_by_the_time_of_leases) {
  auto s = three_rounds();
  s.lease_time = std::chrono::milliseconds{300};
  s.doubt = [](std::stop_token stop) {
    std::atomic<bool> told = false;
    std::stop_callback tells{stop, [&] {
                               told = true;
                               told.notify_all();
                             }};
    told.wait(false);
  };

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::failed);
  EXPECT_TRUE(text(run.report.why)
                  .starts_with("version 3 could not be evaluated: no answer "
                               "within 3 s"))
      << text(run.report.why);
  EXPECT_EQ(run.report.slots_lost, 0u);
}

// By the samples of each client: they are of different sizes.
TEST(aggregator_test, tells_a_loss_that_does_not_depend_on_who_came_first) {
  auto s = three_rounds();
  s.rule = fedavg_rule(5);
  for (client_id c = 0; c < s.clients; ++c)
    s.data.push_back(blank_samples(1 + 7 * c));
  auto losses = [&](std::size_t slots) {
    s.slots = slots;
    std::vector<double> result;
    for (const auto& each : play(s).all<facts::published>())
      result.push_back(each.loss);
    return result;
  };
  auto one = losses(1);
  auto run = play(s);

  for (std::size_t slots : {1, 2, 4})
    EXPECT_EQ(losses(slots), one);
  double sum = 0.0, samples = 0.0;
  for (const auto& x : run.all<facts::accepted>())
    if (x.base == 0) {
      sum += x.loss * double(1 + 7 * x.client);
      samples += double(1 + 7 * x.client);
    }
  EXPECT_NEAR(one[0], sum / samples, 1e-6 * one[0]);
}

TEST(aggregator_test, ends_soon_when_interrupted) {
  auto s = three_rounds();
  s.rule = fedavg_rule(1'000'000);
  s.meanwhile = [](const troupe::aggregator& aggregator) {
    send_anonymously(aggregator, interrupt{});
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
  auto common = fedavg_rule(2).common();
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
  s.rule.rounds(4);
  auto average = play(s).parameters();
  s.rule = fedbuff_rule(4, s.clients, s.clients);

  auto buffered = play(s).parameters();

  EXPECT_EQ(buffered, average);
}

} // namespace
} // namespace troupe::tests
