// --resume: what it may change, and what it refuses by name.
#include <csignal>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

class resume_test : public testing::Test {
protected:
  // Kills a run that has some rounds behind it. Answers with a goal a little
  // further on, to which "whole" has come undisturbed.
  words be_killed(const std::string& name) {
    auto what = with_fault(study_.start(name, endless()), "kill@13:sync");
    EXPECT_EQ(run(what).signal, SIGKILL);
    EXPECT_FALSE(study_.of(name).checkpoints().empty());
    auto goal = rounds(study_.of(name).last_published() + 3);
    expect_code(run(study_.start("whole", goal)), 0);
    return goal;
  }

  // Everything that a run is for.
  std::map<std::string, std::string> results() const {
    auto all = study_.of("a").files();
    std::erase_if(all, [](const auto& file) {
      return file.first == "facts.jsonl" || file.first == "config.toml" ||
             file.first == "incarnation";
    });
    return all;
  }

  study study_{quick_fedavg(8)};
};

TEST_F(resume_test, extends_a_run_to_the_bits_of_a_longer_one) {
  expect_code(run(study_.start("long", {"--set", "run.rounds=13"})), 0);
  expect_code(run(study_.start("short")), 0);

  expect_code(run(study_.resume("short", {"--set", "run.rounds=13"})), 0);

  auto extended = study_.of("short");
  EXPECT_EQ(extended.model_sha256(), study_.of("long").model_sha256());
  EXPECT_EQ(extended.summary().at("version"), 13);
  EXPECT_EQ(extended.summary().at("updates_accepted"), 13 * 5);
}

TEST_F(resume_test, goes_on_with_other_slots) {
  auto goal = be_killed("a");
  goal.insert(goal.end(), {"--set", "compute.slots=5"});

  expect_code(run(study_.resume("a", goal)), 0);

  EXPECT_EQ(study_.of("a").model_sha256(), study_.of("whole").model_sha256());
  EXPECT_EQ(study_.of("a").all<facts::run_started>().back()->slots, 5u);
}

TEST_F(resume_test, takes_the_configuration_file_too) {
  auto goal = be_killed("a");
  goal.push_back("--resume");

  expect_code(run(study_.start("a", goal)), 0);

  EXPECT_EQ(study_.of("a").model_sha256(), study_.of("whole").model_sha256());
}

TEST_F(resume_test, keeps_one_history_over_all_processes) {
  auto goal = be_killed("a");

  expect_code(run(study_.resume("a", goal)), 0);

  auto rows = study_.of("a").history();
  auto undisturbed = study_.of("whole").history();
  ASSERT_EQ(rows.size(), undisturbed.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].version, undisturbed[i].version);
    EXPECT_EQ(rows[i].accuracy, undisturbed[i].accuracy);
    EXPECT_EQ(rows[i].updates, undisturbed[i].updates);
    EXPECT_GE(rows[i].seconds, i == 0 ? 0.0 : rows[i - 1].seconds);
  }
  EXPECT_EQ(study_.of("a").summary().at("best_accuracy"),
      study_.of("whole").summary().at("best_accuracy"));
}

class refusal_test : public resume_test,
                     public testing::WithParamInterface<const char*> {};

TEST_P(refusal_test, names_what_would_change_the_bits) {
  auto goal = be_killed("a");
  write(study_.of("a") / "facts.jsonl", study_.of("a").journal() + "{\"fa");
  auto before = study_.of("a").files();
  std::string setting = GetParam();

  auto said = run(study_.resume("a", {"--set", setting}));

  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, setting.substr(0, setting.find('='))))
      << said.err;
  EXPECT_EQ(study_.of("a").files(), before);
  expect_code(run(study_.resume("a", goal)), 0);
}

INSTANTIATE_TEST_SUITE_P(of, refusal_test,
    testing::Values("client.lr=0.1", "run.seed=2", "federation.clients=11",
        "federation.fraction=0.6", "data.alpha=0.7", "client.batch=11",
        "federation.server_lr=0.5"));

TEST_F(resume_test, cannot_undo_rounds) {
  expect_code(run(study_.start("a")), 0);
  auto before = study_.of("a").files();

  auto said = run(study_.resume("a", rounds(5)));

  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, "run.rounds")) << said.err;
  EXPECT_EQ(study_.of("a").files(), before);
}

TEST_F(resume_test, has_nothing_to_do_for_a_run_that_is_complete) {
  expect_code(run(study_.start("a")), 0);
  auto model = study_.of("a").model_sha256();
  auto accuracy = study_.of("a").summary().at("accuracy");

  auto before = results();

  auto said = run(study_.resume("a"));

  expect_code(said, 0);
  EXPECT_TRUE(holds(said.out, "nothing to do")) << said.out;
  EXPECT_EQ(results(), before);
  EXPECT_EQ(study_.of("a").model_sha256(), model);
  EXPECT_EQ(study_.of("a").summary().at("accuracy"), accuracy);
  EXPECT_EQ(study_.of("a").summary().at("updates_accepted"), 40);
}

TEST_F(resume_test, writes_what_is_missing_of_a_run_that_is_complete) {
  expect_code(run(study_.start("a")), 0);
  auto before = results();
  for (auto missing : {"model.safetensors", "history.svg", "summary.json"}) {
    std::filesystem::remove(study_.of("a") / missing);

    expect_code(run(study_.resume("a")), 0);

    auto now = results();
    EXPECT_EQ(now["model.safetensors"], before["model.safetensors"]);
    EXPECT_EQ(now["history.svg"], before["history.svg"]);
    EXPECT_EQ(now["history.csv"], before["history.csv"]);
    EXPECT_TRUE(now.contains("summary.json")) << missing;
  }
}

TEST_F(resume_test, does_not_take_older_results_for_its_own) {
  expect_code(run(study_.start("a")), 0);
  auto left = study_.of("a");
  auto older = content(left / "summary.json");
  expect_code(run(study_.resume("a", rounds(12))), 0);
  write(left / "summary.json", older); // as a kill may leave it

  expect_code(run(study_.resume("a")), 0);

  EXPECT_EQ(left.summary().at("version"), 12);
}

TEST_F(resume_test, has_nothing_to_do_where_the_target_was_reached) {
  words target{"--set", "run.target_accuracy=0.12"};
  expect_code(run(study_.start("a", target)), 0);
  auto version = study_.of("a").summary().at("version");
  ASSERT_LT(version, 8);
  auto before = results();

  auto said = run(study_.resume("a"));

  expect_code(said, 0);
  EXPECT_TRUE(holds(said.out, "nothing to do")) << said.out;
  EXPECT_EQ(results(), before);
  auto ended = study_.of("a").all<facts::run_ended>().back();
  EXPECT_EQ(ended.outcome, "target_reached");
  EXPECT_EQ(ended.version, version);
  // A target that lies higher is trained for.
  expect_code(
      run(study_.resume("a", {"--set", "run.target_accuracy=0.999"})), 0);
  EXPECT_EQ(study_.of("a").summary().at("version"), 8);
}

TEST_F(resume_test, refuses_a_directory_without_a_run) {
  auto said = run(study_.start("none", {"--resume"}));

  expect_code(said, 2);
  auto refusal = [&](const char* name) {
    return "there is no run in " + (study_ / name).string() + " to resume";
  };
  EXPECT_TRUE(holds(said.err, refusal("none"))) << said.err;
  EXPECT_FALSE(std::filesystem::exists(study_ / "none"));
  said = run(study_.resume("none"));
  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, refusal("none"))) << said.err;
  std::filesystem::create_directory(study_ / "empty");
  said = run(study_.resume("empty"));
  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, refusal("empty"))) << said.err;
}

// Whoever starts a run again and again needs not know how far it came.
TEST_F(resume_test, begins_what_was_killed_before_it_wrote_anything) {
  std::filesystem::create_directory(study_ / "empty");
  auto said = run(study_.start("empty", {"--resume"}));
  expect_code(said, 0);
  EXPECT_TRUE(holds(said.err, "it begins now")) << said.err;

  expect_code(run(study_.start("whole")), 0);
  EXPECT_EQ(
      study_.of("empty").model_sha256(), study_.of("whole").model_sha256());
}

TEST_F(resume_test, refuses_a_run_that_is_under_way) {
  process it{study_.start("a", endless())};
  auto left = study_.of("a");
  ASSERT_TRUE(it.until([&] { return left.last_published() >= 3; })) << it.err();

  for (const auto& second : {study_.resume("a"), study_.start("a")}) {
    auto said = run(second);

    expect_code(said, 2);
    EXPECT_TRUE(holds(
        said.err, fmt::format("{} is in use by another troupe process (pid {})",
                      (study_ / "a").string(), it.id())))
        << said.err;
  }
  it.signal(SIGKILL);
  it.wait();
  auto goal = rounds(left.last_published() + 3);
  expect_code(run(study_.resume("a", goal)), 0);
  expect_code(run(study_.start("whole", goal)), 0);
  EXPECT_EQ(left.model_sha256(), study_.of("whole").model_sha256());
}

TEST_F(resume_test, needs_to_be_asked_for) {
  expect_code(run(study_.start("a")), 0);
  auto before = study_.of("a").files();

  auto said = run(study_.start("a"));

  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, "--resume")) << said.err;
  EXPECT_EQ(study_.of("a").files(), before);
}

} // namespace

} // namespace troupe::tests
