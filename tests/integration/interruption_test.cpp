// Ctrl-C: an end within two seconds, and nothing lost.
#include <chrono>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

using clock = std::chrono::steady_clock;

class interruption_test : public testing::TestWithParam<int> {
protected:
  // Has three versions behind it, and more to do than it will come to.
  void let_it_begin(process& it, const record& left) {
    auto begun = [&] { return left.all<facts::published>().size() >= 3; };
    ASSERT_TRUE(it.until(begun)) << it.out() << it.err();
  }

  study study_{quick_fedavg(1'000'000)};
};

TEST_P(interruption_test, ends_within_two_seconds_and_can_be_resumed) {
  auto left = study_.of("a");
  process it{study_.start("a")};
  let_it_begin(it, left);

  auto then = clock::now();
  it.signal(GetParam());
  auto how = it.wait();
  auto took = clock::now() - then;

  EXPECT_EQ(how.code, 130) << it.err();
  EXPECT_LT(took, std::chrono::seconds{2});
  EXPECT_TRUE(holds(it.err(), "--resume")) << it.err();
  EXPECT_FALSE(left.has("summary.json"));
  EXPECT_EQ(left.all<facts::run_ended>().back().outcome, "interrupted");
  // The last version is safe, and the run comes to the bits that it would have.
  auto version = left.all<facts::published>().back().version;
  EXPECT_EQ(left.checkpoints().back(), version);
  auto goal = rounds(version + 2);
  expect_code(run(study_.start("whole", goal)), 0);
  expect_code(run(study_.resume("a", goal)), 0);
  EXPECT_EQ(left.model_sha256(), study_.of("whole").model_sha256());
}

INSTANTIATE_TEST_SUITE_P(by, interruption_test,
    testing::Values(SIGINT, SIGTERM, SIGHUP), [](const auto& signal) {
      return signal.param == SIGINT    ? "ctrl_c"
             : signal.param == SIGTERM ? "termination"
                                       : "hangup";
    });

// A closed terminal sends SIGHUP twice; timeout(1) signals its child, and then
// all of their group.
TEST_F(interruption_test, takes_two_signals_in_a_row_for_one) {
  for (auto number : {SIGHUP, SIGINT}) {
    std::filesystem::remove_all(study_ / "a");
    auto left = study_.of("a");
    process it{study_.start("a")};
    let_it_begin(it, left);

    it.signal(number);
    it.signal(number);

    EXPECT_EQ(it.wait().code, 130) << it.err();
    EXPECT_EQ(left.all<facts::run_ended>().back().outcome, "interrupted");
  }
}

TEST_F(interruption_test, goes_on_without_a_terminal_under_nohup) {
  auto left = study_.of("a");
  auto what = study_.start("a");
  what.words.insert(
      what.words.begin(), {"sh", "-c", "trap '' HUP; exec \"$@\"", "sh"});
  process it{what};
  let_it_begin(it, left);

  it.signal(SIGHUP);

  auto then = left.last_published();
  EXPECT_TRUE(it.until([&] { return left.last_published() > then + 2; }));
  it.signal(SIGTERM);
  EXPECT_EQ(it.wait().code, 130) << it.err();
}

// The data come through a pipe, at whose other end the test waits.
TEST_F(interruption_test, ends_at_once_while_data_are_loaded) {
  for (auto name :
      {"train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"})
    write(study_ / name, "");
  auto pipe = (study_ / "train-images-idx3").string();
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (auto number : {SIGINT, SIGTERM, SIGHUP}) {
    process it{study_.start("a", {"--set", "data.set=idx", "--set",
                                     "data.path=" + (study_ / "").string()})};
    auto end = -1;
    ASSERT_TRUE(it.until([&] {
      end = open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
      return end >= 0;
    })) << it.err();

    it.signal(number);

    EXPECT_EQ(it.wait().code, 130) << it.err();
    close(end);
    EXPECT_EQ(it.err(), "interrupted before the run began\n");
    EXPECT_FALSE(exists(study_ / "a"));
  }
}

TEST_F(interruption_test, can_come_at_any_time) {
  for (auto sign : {"a", "a/config.toml", "a/facts.jsonl", "a/history.csv",
           "a/checkpoints"}) {
    std::filesystem::remove_all(study_ / "a");
    process it{study_.start("a")};
    ASSERT_TRUE(it.until([&] { return exists(study_ / sign); })) << it.err();

    it.signal(SIGINT);

    EXPECT_EQ(it.wait().code, 130) << sign << "\n" << it.err();
    auto left = study_.of("a");
    for (const auto& [name, bytes] : left.files())
      EXPECT_FALSE(name.ends_with(".tmp")) << name;
    auto goal = rounds(left.last_published() + 2);
    expect_code(run(left.has("config.toml") ? study_.resume("a", goal)
                                            : study_.start("a", goal)),
        0);
  }
}

TEST_F(interruption_test, stores_the_last_version_when_few_are_stored) {
  auto left = study_.of("a");
  process it{study_.start("a", {"--set", "run.checkpoint_every=100000"})};
  let_it_begin(it, left);

  it.signal(SIGINT);

  EXPECT_EQ(it.wait().code, 130) << it.err();
  ASSERT_FALSE(left.checkpoints().empty());
  EXPECT_EQ(
      left.checkpoints().back(), left.all<facts::published>().back().version);
}

TEST_F(interruption_test, waits_in_vain_for_a_learner_for_a_second_at_most) {
  process it{{{TROUPE_MISHAPS, "--out", study_ / "a"},
      {{"MISHAP", "one stays"}}, {}, {}}};
  auto left = study_.of("a");
  ASSERT_TRUE(it.says("here to stay")) << it.err();

  auto then = clock::now();
  it.signal(SIGINT);
  auto how = it.wait();

  EXPECT_EQ(how.code, 130) << it.err();
  EXPECT_LT(clock::now() - then, std::chrono::seconds{2});
  ASSERT_EQ(left.all<facts::slot_lost>().size(), 1u);
  EXPECT_EQ(left.all<facts::slot_lost>()[0].client, 5u);
}

// Neither of the last version's, nor of one on the way.
TEST_F(interruption_test, waits_for_no_evaluation) {
  for (auto every : {"run.evaluate_every=0", "run.evaluate_every=1"}) {
    for (auto mishap : {"evaluation dawdles", "evaluation stays"}) {
      std::filesystem::remove_all(study_ / "a");
      process it{{{TROUPE_MISHAPS, "--out", study_ / "a", "--set", every},
          {{"MISHAP", mishap}}, {}, {}}};
      auto stays = std::string{mishap} == "evaluation stays";
      ASSERT_TRUE(it.says(stays ? "here to stay" : "dawdles")) << it.err();

      auto then = clock::now();
      it.signal(SIGINT);
      auto how = it.wait();

      EXPECT_EQ(how.code, 130) << mishap << "\n" << it.err();
      EXPECT_LT(clock::now() - then, std::chrono::seconds{3}) << mishap;
      auto left = study_.of("a");
      EXPECT_EQ(left.all<facts::run_ended>().back().outcome, "interrupted");
      EXPECT_EQ(left.all<facts::slot_lost>().size(), stays ? 1u : 0u);
      // The score that was given up is made up for.
      expect_code(run({{TROUPE_MISHAPS, "--resume", "--out", study_ / "a",
                           "--set", every},
                      {}, {}, {}}),
          0);
      EXPECT_EQ(
          left.history().size(), std::string{every}.ends_with("1") ? 3u : 1u);
      EXPECT_EQ(left.summary().at("accuracy"), 0.5);
    }
  }
}

TEST_F(interruption_test, ends_at_once_when_asked_again) {
  process it{{{TROUPE_MISHAPS, "--out", study_ / "a"}, {{"MISHAP", "all stay"}},
      {}, {}}};
  ASSERT_TRUE(it.says("here to stay")) << it.err();
  it.signal(SIGINT);
  ASSERT_TRUE(it.says("the learner was told to stop")) << it.err();
  std::this_thread::sleep_for(std::chrono::milliseconds{150}); // no echo

  auto then = clock::now();
  it.signal(SIGINT);
  auto how = it.wait();

  EXPECT_EQ(how.code, 130);
  EXPECT_LT(clock::now() - then, std::chrono::milliseconds{500});
  EXPECT_FALSE(holds(it.err(), "interrupted at version")) << it.err();
}

} // namespace

} // namespace troupe::tests
