// When the power fails, what was not synced is gone: not a state that was
// acknowledged, and not how often the run was taken up.
#include <csignal>

#include <gtest/gtest.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

class power_test : public testing::TestWithParam<const char*> {
protected:
  void fail_at(const std::string& when, const command& what) {
    auto said = run(with_fault(what, "power@" + when));
    ASSERT_EQ(said.signal, SIGKILL) << when << said.text();
  }

  void expect_to_go_on(const record& left) {
    auto goal = rounds(left.last_published() + 4);
    expect_code(run(left.has("config.toml") ? study_.resume("a", goal)
                                            : study_.start("a", goal)),
        0);
    expect_code(run(study_.start("whole", goal)), 0);
    EXPECT_EQ(left.model_sha256(), study_.of("whole").model_sha256());
    for (const auto& [name, bytes] : left.files())
      EXPECT_FALSE(name.ends_with(".tmp")) << name;
  }

  // Nothing is synced between the first lease and the end.
  words unsynced() const {
    return endless({"--set", "run.checkpoint_every=1000000", "--set",
        "run.evaluate_every=0"});
  }

  study study_{quick_fedavg(8)};
};

TEST_P(power_test, takes_nothing_that_was_acknowledged) {
  auto left = study_.of("a");
  fail_at(GetParam(), study_.start("a", endless()));

  for (const auto& x : left.all<facts::stored>())
    EXPECT_LE(x.version, left.checkpoints().back());
  expect_to_go_on(left);
}

INSTANTIATE_TEST_SUITE_P(at, power_test,
    testing::Values("1:write", "3:sync", "6:sync", "8:sync", "9:sync",
        "10:sync", "11:sync", "12:sync", "2:rename", "3:rename", "4:rename",
        "13:sync", "17:sync", "20:sync", "6:rename", "60", "90", "17:write"));

class parts_power_test : public power_test {
protected:
  words in_parts(words more = {}) const {
    more.insert(more.end(),
        {"--set", "federation.shards=3", "--set", "federation.server=fedadam"});
    return more;
  }
};

TEST_P(parts_power_test, takes_nothing_that_was_acknowledged) {
  auto left = study_.of("a");
  fail_at(GetParam(), study_.start("a", endless(in_parts())));

  for (const auto& x : left.all<facts::stored>())
    EXPECT_LE(x.version, left.checkpoints().back());
  auto goal = left.last_published() + 4;
  expect_code(run(left.has("config.toml")
                      ? study_.resume("a", rounds(goal))
                      : study_.start("a", rounds(goal, in_parts()))),
      0);
  expect_code(run(study_.start("whole", rounds(goal, in_parts()))), 0);
  EXPECT_EQ(left.model_sha256(), study_.of("whole").model_sha256());
}

INSTANTIATE_TEST_SUITE_P(at, parts_power_test,
    testing::Values("9:sync", "13:sync", "16:sync", "19:sync", "24:sync",
        "28:sync", "4:rename", "6:rename", "9:rename", "1:remove", "4:remove",
        "7:remove", "90", "140"));

TEST_F(power_test, leaves_a_state_that_was_synced) {
  fail_at("25:sync", study_.start("a", endless()));

  auto left = study_.of("a");
  ASSERT_FALSE(left.checkpoints().empty());
  EXPECT_FALSE(left.all<facts::stored>().empty());
  expect_to_go_on(left);
}

TEST_F(power_test, never_brings_a_lease_back_to_life) {
  fail_at("25:sync", study_.start("a", endless()));
  auto left = study_.of("a");
  ASSERT_FALSE(left.checkpoints().empty());
  fail_at("9:write", study_.resume("a", unsynced()));
  ASSERT_EQ(left.all<facts::run_started>().size(), 1u) << "it lost nothing";

  expect_to_go_on(left);

  EXPECT_EQ(left.all<facts::run_started>().back()->incarnation, 2u);
}

TEST_F(power_test, never_brings_a_first_lease_back_to_life) {
  fail_at("9:write", study_.start("a", unsynced()));
  auto left = study_.of("a");
  ASSERT_TRUE(left.has("config.toml"));
  ASSERT_TRUE(left.all<facts::run_started>().empty()) << "it lost nothing";

  expect_to_go_on(left);

  EXPECT_EQ(left.all<facts::run_started>().back()->incarnation, 1u);
}

TEST_F(power_test, may_fail_again_and_again) {
  auto left = study_.of("a");
  fail_at("20:sync", study_.start("a", endless()));
  for (auto when : {"1:rename", "5:sync", "9:write", "12:sync", "2:rename",
           "4:rename", "7:sync"})
    fail_at(when, study_.resume("a"));

  expect_to_go_on(left);

  EXPECT_EQ(left.all<facts::run_started>().front()->incarnation, 0u);
}

} // namespace

} // namespace troupe::tests
