// The rule changes while a run goes on, and nothing is lost or counted twice.
#include <csignal>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/coordination.hpp"
#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

using testing::HasSubstr;

std::vector<std::string> rules_of(const record& left) {
  std::vector<std::string> result;
  for (const auto& x : left.all_standing<facts::rule_changed>())
    result.push_back(x.rule);
  return result;
}

void expect_sound(const record& left) {
  const auto found = run(troupe({"audit", left.root(), "--retrain"}));
  EXPECT_EQ(found.code, 0) << found.out << found.err;
}

words switched(const std::string& list) {
  return {"--set", "federation.switch=[" + list + "]"};
}

TEST(switch_test, changes_no_bit_where_the_rule_stays_what_it_is) {
  study some{quick_fedavg(12)};
  expect_code(run(some.start("plain")), 0);
  expect_code(run(some.start(
                  "switched", switched("'version 3: fraction=0.5', 'version 7: "
                                       "rule=fedavg'"))),
      0);
  EXPECT_EQ(
      some.of("switched").model_sha256(), some.of("plain").model_sha256());
  EXPECT_EQ(
      rules_of(some.of("switched")), (std::vector<std::string>(2, "fedavg")));
  expect_sound(some.of("switched"));
}

TEST(switch_test, changes_no_bit_of_open_leases_in_virtual_order) {
  const words in_order{"--set", "run.order=virtual", "--set", "clock.spread=1"};
  for (const auto& [text, same] :
      {std::pair{quick_fedbuff(30), "max_staleness=20"},
          std::pair{quick_fedasync(30), "mixing=0.6"}}) {
    study some{text};
    auto with = in_order;
    for (const auto& each :
        switched(fmt::format("'version 5: {0}', 'version 6: {0}'", same)))
      with.push_back(each);
    expect_code(run(some.start("plain", in_order)), 0);
    expect_code(run(some.start("switched", with)), 0);
    EXPECT_EQ(
        some.of("switched").model_sha256(), some.of("plain").model_sha256());
    EXPECT_EQ(rules_of(some.of("switched")).size(), 2u);
  }
}

TEST(switch_test, goes_there_and_back_in_one_process) {
  study some{quick_fedavg(24)};
  expect_code(run(some.start("run",
                  switched("'version 5: rule=fedbuff buffer=3 concurrency=6', "
                           "'version 12: rule=fedasync', 'version 18: "
                           "rule=fedavg'"))),
      0);
  const auto left = some.of("run");
  EXPECT_EQ(rules_of(left),
      (std::vector<std::string>{"fedbuff", "fedasync", "fedavg"}));
  std::vector<std::uint64_t> updates;
  for (const auto& x : left.all<facts::published>())
    updates.push_back(x.updates);
  ASSERT_EQ(updates.size(), 24u);
  EXPECT_EQ(updates[4], 5u);
  EXPECT_EQ(updates[6], 3u);
  EXPECT_EQ(updates[13], 1u);
  EXPECT_EQ(updates[20], 5u);
  EXPECT_EQ(left.summary().at("rule"), "fedavg");
  expect_sound(left);
}

// Each rule as it comes back is the configuration's, not the one of before.
TEST(switch_test, comes_back_with_keys_that_do_not_suit_each_other) {
  study some{quick_fedbuff(16)};
  const auto list = switched(
      "'version 2: rule=fedavg fraction=0.5 deadline_median=3', 'version 4: "
      "rule=fedasync concurrency=8', 'version 6: rule=fedavg fraction=0.5 "
      "deadline=0.5', 'version 8: rule=fedbuff buffer=5 concurrency=9'");
  auto in_order = list;
  in_order.insert(in_order.end(), {"--set", "run.order=virtual"});
  expect_code(run(some.start("run", in_order)), 0);
  auto simulated =
      words{"simulate", some.config(), "--out", (some / "simulated").string()};
  simulated.insert(simulated.end(), list.begin(), list.end());
  expect_code(run(troupe(simulated)), 0);
  expect_code(run(some.start("half", rounds(5, in_order))), 0);
  expect_code(run(some.resume("half", rounds(16))), 0);

  const std::vector<std::string> rules{
      "fedavg", "fedasync", "fedavg", "fedbuff"};
  for (const auto* name : {"run", "simulated", "half"}) {
    EXPECT_EQ(rules_of(some.of(name)), rules) << name;
    EXPECT_EQ(some.of(name).model_sha256(), some.of("run").model_sha256());
    expect_sound(some.of(name));
  }
}

// What it gives up is told behind the version, and belongs to its state.
TEST(switch_test, is_sound_where_the_switchs_version_is_kept) {
  study some{quick_fedbuff(5)};
  expect_code(run(some.start(
                  "run", switched("'version 1: rule=fedasync concurrency=5', "
                                  "'version 3: rule=fedavg fraction=0.5'"))),
      0);
  // The last version is stored for certain.
  expect_code(
      run(some.start("last",
          rounds(3, switched("'version 3: rule=fedavg fraction=0.5'")))),
      0);
  expect_sound(some.of("run"));
  expect_sound(some.of("last"));
  EXPECT_EQ(some.of("last").checkpoints().back(), 3u);
  expect_code(run(some.resume("last", rounds(6))), 0);
  expect_sound(some.of("last"));
  EXPECT_EQ(some.of("last").all<facts::run_started>().back()->rule, "fedavg");
}

TEST(switch_test, says_on_resuming_what_was_not_stored) {
  study some{quick_fedavg(8)};
  auto options = switched("'version 3: rule=fedbuff buffer=2'");
  options.insert(options.end(), {"--set", "run.checkpoint_every=100"});
  process one{some.start("run", endless(options))};
  ASSERT_TRUE(one.until([&] {
    return !some.of("run").all<facts::rule_changed>().empty();
  })) << one.err();
  one.signal(SIGKILL);
  one.wait();
  const auto said = run(some.resume("run", rounds(8)));
  expect_code(said, 0);
  EXPECT_THAT(said.err, HasSubstr("fedbuff took over behind version 3"));
  EXPECT_EQ(rules_of(some.of("run")), (std::vector<std::string>{"fedbuff"}));
  expect_sound(some.of("run"));
}

// As its configuration had it the first time, and the checkpoint since.
TEST(switch_test, is_resumed_by_the_rule_that_it_has_gone_over_to) {
  study some{quick_fedavg(10)};
  expect_code(run(some.start("run",
                  switched("'version 4: rule=fedbuff buffer=3 concurrency=6', "
                           "'version 14: rule=fedavg'"))),
      0);
  expect_code(run(some.resume("run", rounds(20))), 0);
  const auto left = some.of("run");
  EXPECT_EQ(rules_of(left), (std::vector<std::string>{"fedbuff", "fedavg"}));
  const auto starts = left.all<facts::run_started>();
  ASSERT_EQ(starts.size(), 2u);
  EXPECT_EQ(starts[0]->rule, "fedavg");
  EXPECT_EQ(starts[1]->rule, "fedbuff");
  expect_sound(left);
}

// A wish from outside at any moment of a run over two processes, there and
// back, while one of twenty is killed and taken up again.
TEST(set_test, loses_nothing_over_two_processes) {
  for (int turn = 0; turn < 20; ++turn) {
    study some{quick_fedavg(8)};
    coordination both{
        some, "run", endless({"--set", "compute.slots=1", "--min-nodes", "1"})};
    auto node = both.join("node");
    const auto reaches = [&](version_id version) {
      return both.coordinator().until(
          [&] { return both.left().last_published() >= version; });
    };
    const auto wish = [&](words settings, std::size_t changes) {
      const auto said = both.ask("set", std::move(settings));
      ASSERT_EQ(said.code, 0) << said.err;
      EXPECT_THAT(said.out, HasSubstr("behind version "));
      ASSERT_TRUE(both.coordinator().until([&] {
        return both.left().all<facts::rule_changed>().size() >= changes;
      })) << both.coordinator().err();
    };
    ASSERT_TRUE(reaches(1 + turn % 4)) << both.coordinator().err();
    ASSERT_NO_FATAL_FAILURE(
        wish({"federation.rule=fedbuff", "federation.buffer=3",
                 "federation.concurrency=6"},
            1));
    ASSERT_TRUE(reaches(both.left().last_published() + 2));
    const auto told = both.ask("status");
    EXPECT_THAT(told.out, HasSubstr("run: fedbuff, ")) << told.out;
    ASSERT_NO_FATAL_FAILURE(wish(
        {turn % 2 ? "federation.rule=fedasync" : "federation.buffer=2"}, 2));
    if (turn % 10 == 9) {
      ASSERT_TRUE(reaches(both.left().last_published() + 3));
      both.coordinator().signal(SIGKILL);
      both.coordinator().wait();
      both.restart(endless());
      const auto starts = both.left().all<facts::run_started>();
      ASSERT_TRUE(both.coordinator().until(
          [&] { return both.left().all<facts::run_started>().size() == 2; }));
      EXPECT_EQ(both.left().all<facts::run_started>().back()->rule, "fedasync");
    }
    ASSERT_NO_FATAL_FAILURE(wish({"federation.rule=fedavg"}, 3));
    ASSERT_TRUE(reaches(both.left().last_published() + 2));
    both.coordinator().signal(SIGINT);
    EXPECT_EQ(both.coordinator().wait().code, 3) << both.coordinator().err();
    node->wait();
    EXPECT_EQ(rules_of(both.left()).back(), "fedavg");
    const auto found = run(
        troupe(turn % 5 == 0 ? words{"audit", both.left().root(), "--retrain"}
                             : words{"audit", both.left().root()}));
    EXPECT_EQ(found.code, 0) << found.out << found.err;
  }
}

TEST(set_test, refuses_by_name_what_cannot_be) {
  study some{quick_fedavg(8)};
  coordination both{some, "run", endless({"--set", "compute.slots=1"})};
  const auto refused = [&](words settings) {
    const auto said = both.ask("set", std::move(settings));
    EXPECT_EQ(said.code, 1) << said.out;
    return said.err;
  };
  EXPECT_THAT(refused({"client.lr=0.1"}),
      HasSubstr("client.lr cannot change while a run goes on"));
  EXPECT_THAT(refused({"federation.clients=3"}),
      HasSubstr("federation.clients cannot change while a run goes on"));
  EXPECT_THAT(refused({"federation.rule=fedsgd"}), HasSubstr("fedsgd"));
  EXPECT_THAT(refused({"federation.buffer=3"}),
      HasSubstr("federation.buffer is for federation.rule = \"fedbuff\""));
  EXPECT_THAT(refused({"federation.rule=fedbuff", "federation.buffer=1000"}),
      HasSubstr("is more than the 10 clients"));
  EXPECT_THAT(refused({"rule=fedbuff"}),
      HasSubstr("rule is not a key (did you mean federation.rule?)"));
  EXPECT_THAT(refused({"federation.fracton=0.5"}),
      HasSubstr("is not a key (did you mean federation.fraction?)"));
  for (const words& wrong :
      {words{"fedbuff"}, words{"="}, words(200, "federation.fraction=0.5")})
    EXPECT_EQ(both.ask("set", wrong).code, 2);
  both.coordinator().signal(SIGINT);
  EXPECT_EQ(both.coordinator().wait().code, 3);
  EXPECT_TRUE(both.left().all<facts::rule_changed>().empty());
}

TEST(switch_test, is_refused_by_name_where_it_cannot_be) {
  study some{quick_fedavg(8)};
  const auto refused = [&](const std::string& list, words more = {}) {
    words all{"check", some.config()};
    for (const auto& each : switched(list))
      all.push_back(each);
    all.insert(all.end(), more.begin(), more.end());
    const auto said = run(troupe(all));
    EXPECT_NE(said.code, 0) << said.out;
    return said.out + said.err;
  };
  EXPECT_THAT(refused("'soon: rule=fedbuff'"),
      HasSubstr("does not begin with \"version N:\" or \"stragglers PART:\""));
  EXPECT_THAT(refused("'version 0: rule=fedbuff'"), HasSubstr("version 0"));
  EXPECT_THAT(refused("'stragglers 1.5: rule=fedbuff'"), HasSubstr("1.5"));
  EXPECT_THAT(refused("'version 3:'"), HasSubstr("sets nothing"));
  EXPECT_THAT(refused("'version 3: fedbuff'"), HasSubstr("no KEY=VALUE"));
  EXPECT_THAT(refused("'version 3: rule=fedbuff, buffer=3'"),
      HasSubstr("with a comma"));
  EXPECT_THAT(refused("'version 3: lr=1'"),
      HasSubstr("federation.lr cannot change while a run goes on"));
  EXPECT_THAT(refused("'version 3: rule=fedbuff buffer=99'"),
      HasSubstr("more than the 10 clients"));
  EXPECT_THAT(refused("'version 5: rule=fedbuff', 'version 4: rule=fedavg'"),
      HasSubstr("comes behind version 5"));
  EXPECT_THAT(
      refused("'version 3: fraction=0.2'", {"--set", "client.method=scaffold"}),
      HasSubstr("control variates"));
}

} // namespace

} // namespace troupe::tests
