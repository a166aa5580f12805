// What a loss of power may leave of a run's files, and what a resumption makes
// of it.
#include <algorithm>
#include <csignal>

#include <gtest/gtest.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

class damage_test : public testing::Test {
protected:
  damage_test() {
    auto what = with_fault(study_.start("a", endless()), "kill@22:sync");
    EXPECT_EQ(run(what).signal, SIGKILL);
    goal_ = rounds(left().last_published() + 3);
  }

  record left() const { return study_.of("a"); }
  std::filesystem::path journal() const { return left() / "facts.jsonl"; }

  // Where the line behind the newest checkpoint's last fact begins.
  std::size_t behind_the_state() const {
    auto text = left().journal();
    auto told = text.find("{\"fact\":\"published\"");
    auto version =
        "\"version\":" + std::to_string(left().checkpoints().back()) + ",";
    while (text.substr(told, text.find('\n', told) - told).find(version) ==
           std::string::npos)
      told = text.find("{\"fact\":\"published\"", told + 1);
    return text.find('\n', told) + 1;
  }

  finished expect_resumable() {
    auto said = run(study_.resume("a", goal_));
    expect_code(said, 0);
    expect_code(run(study_.start("whole", goal_)), 0);
    EXPECT_EQ(left().model_sha256(), study_.of("whole").model_sha256());
    EXPECT_EQ(left().summary().at("best_version"),
        study_.of("whole").summary().at("best_version"));
    expect_whole_history();
    for (const auto& line : left().lines())
      EXPECT_TRUE(nlohmann::json::accept(line)) << line;
    return said;
  }

  void expect_whole_history() {
    auto rows = left().history();
    auto undisturbed = study_.of("whole").history();
    ASSERT_EQ(rows.size(), undisturbed.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i].version, undisturbed[i].version);
      EXPECT_EQ(rows[i].accuracy, undisturbed[i].accuracy);
      EXPECT_EQ(rows[i].updates, undisturbed[i].updates);
      EXPECT_GE(rows[i].seconds, i == 0 ? 0.0 : rows[i - 1].seconds);
    }
  }

  study study_{quick_fedavg(8)};
  words goal_;
};

TEST_F(damage_test, ends_the_journal_at_zeros) {
  write(journal(), left().journal() + std::string(4096, '\0'));

  auto said = expect_resumable();

  EXPECT_TRUE(holds(said.err, "facts.jsonl")) << said.err;
  EXPECT_TRUE(holds(said.err, "4096 bytes")) << said.err;
}

TEST_F(damage_test, ends_the_journal_at_zeros_in_its_midst) {
  auto text = left().journal();
  auto first = behind_the_state() + 10;
  ASSERT_LT(first + 200, text.size());
  write(journal(), text.replace(first, 100, 100, '\0'));

  auto said = expect_resumable();

  EXPECT_TRUE(holds(said.err, "facts.jsonl")) << said.err;
}

TEST_F(damage_test, ends_the_journal_at_a_line_that_is_none) {
  auto text = left().journal();
  write(journal(), text.insert(behind_the_state(), "###\n"));

  auto said = expect_resumable();

  EXPECT_TRUE(holds(said.err, "not a JSON object")) << said.err;
  EXPECT_TRUE(holds(said.err, "whole facts among them")) << said.err;
}

TEST_F(damage_test, ends_the_journal_at_a_torn_line) {
  write(journal(), left().journal() + "{\"fact\":\"lea");

  auto said = expect_resumable();

  EXPECT_TRUE(holds(said.err, "torn")) << said.err;
}

TEST_F(damage_test, says_what_to_do_where_the_state_itself_is_not_told) {
  auto text = left().journal();
  auto newest = left().checkpoints().back();
  auto second = text.find('\n') + 1;
  for (const auto& spoilt :
      {text.substr(0, second) + "###\n" + text.substr(second),
          text.substr(0, behind_the_state() - 5), std::string{}}) {
    write(journal(), spoilt);
    auto before = left().files();

    auto said = run(study_.resume("a"));

    expect_code(said, 1);
    EXPECT_TRUE(holds(said.err, journal().string())) << said.err;
    EXPECT_TRUE(holds(said.err, "Remove " + left().checkpoint(newest).string()))
        << said.err;
    EXPECT_EQ(left().files(), before);
  }
}

// Whoever follows the advice comes to a state that the journal tells of, if
// need be to the start.
TEST_F(damage_test, goes_on_where_its_advice_is_followed) {
  auto text = left().journal();
  write(journal(), text.replace(text.find('\n') + 1, 50, 50, '\0'));

  auto said = run(study_.resume("a", goal_));
  while (said.code == 1 && !left().checkpoints().empty()) {
    std::filesystem::remove(left().checkpoint(left().checkpoints().back()));
    said = run(study_.resume("a", goal_));
  }

  expect_code(said, 0);
  expect_code(run(study_.start("whole", goal_)), 0);
  EXPECT_EQ(left().model_sha256(), study_.of("whole").model_sha256());
  expect_whole_history();
}

TEST_F(damage_test, makes_lost_rows_of_the_history_anew) {
  auto text = content(left() / "history.csv");
  auto rows = std::count(text.begin(), text.end(), '\n');
  ASSERT_GT(rows, 2);
  // Versions of an even number are scored, and no others at an end between.
  auto further = [this] {
    return rounds((left().last_published() + 4) / 2 * 2);
  };
  auto third = text.find('\n', text.find('\n') + 1) + 1;
  for (const auto& spoilt : {text.substr(0, third),
           text.substr(0, third + 1) + std::string(40, '\0'), std::string{}}) {
    write(left() / "history.csv", spoilt);
    goal_ = further();

    expect_resumable();

    std::filesystem::remove_all(study_ / "whole");
  }
}

TEST_F(damage_test, makes_a_lost_history_anew) {
  std::filesystem::remove(left() / "history.csv");

  expect_resumable();

  std::filesystem::remove(left() / "history.csv");
  expect_code(run(study_.resume("a")), 0);
  expect_whole_history();
}

TEST_F(damage_test, takes_no_digits_for_granted_that_a_crash_has_cut) {
  auto text = content(left() / "history.csv");
  ASSERT_EQ(text.substr(text.size() - 2), "0\n");
  write(left() / "history.csv", text.substr(0, text.size() - 2));

  expect_resumable();
}

// Rates at which nothing is learnt: the best version comes early.
TEST_F(damage_test, keeps_the_best_version_though_its_row_was_lost) {
  words wild{"--set", "client.lr=2", "--set", "run.evaluate_every=1", "--set",
      "run.keep_checkpoints=1"};
  auto what = with_fault(study_.start("b", endless(wild)), "kill@40:sync");
  EXPECT_EQ(run(what).signal, SIGKILL);
  auto left = study_.of("b");
  std::filesystem::remove(left / "history.csv");

  expect_code(run(study_.resume("b", rounds(left.last_published() + 2))), 0);

  auto rows = left.history();
  auto best = best_of(rows);
  ASSERT_TRUE(best);
  EXPECT_EQ(left.summary().at("best_version"), best->version);
  EXPECT_EQ(left.summary().at("best_accuracy"), best->accuracy);
  auto kept = left.checkpoints();
  EXPECT_TRUE(std::count(kept.begin(), kept.end(), best->version) == 1)
      << best->version;
  auto accepted = left.all_standing<facts::published>();
  EXPECT_EQ(rows.size(), accepted.back().version);
}

TEST_F(damage_test, writes_a_model_anew_that_is_not_its_own) {
  expect_code(run(study_.resume("a", goal_)), 0);
  auto model = left() / "model.safetensors";
  auto whole = content(model);
  for (auto spoilt : {whole.substr(0, 20), std::string{},
           std::string{whole}.replace(whole.size() - 1, 1, 1, whole[9])}) {
    write(model, spoilt);

    expect_code(run(study_.resume("a")), 0);

    EXPECT_EQ(content(model), whole);
  }
}

TEST_F(damage_test, begins_no_run_among_the_checkpoints_of_another) {
  std::filesystem::remove(left() / "config.toml");
  std::filesystem::remove(journal());
  auto before = left().files();

  auto said = run(study_.start("a"));

  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, "holds a run already")) << said.err;
  EXPECT_EQ(left().files(), before);
}

TEST_F(damage_test, knows_the_configuration_without_its_file) {
  std::filesystem::remove(left() / "config.toml");

  auto said = run(study_.start("a", {"--resume", "--set", "client.lr=0.1"}));

  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, "client.lr was 0.05")) << said.err;
  goal_.push_back("--resume");
  expect_code(run(study_.start("a", goal_)), 0);
}

TEST_F(damage_test, trusts_no_name_of_a_checkpoint) {
  auto newest = left().checkpoint(left().checkpoints().back());
  auto claimed = left().checkpoint(900);
  std::filesystem::copy(newest, claimed);

  auto said = run(study_.resume("a"));

  expect_code(said, 1);
  EXPECT_TRUE(holds(said.err, claimed.string())) << said.err;
  EXPECT_TRUE(holds(said.err, "Remove the file")) << said.err;
  std::filesystem::remove(claimed);
  expect_resumable();
}

} // namespace

} // namespace troupe::tests
