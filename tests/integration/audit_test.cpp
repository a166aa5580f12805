// `troupe audit`: what a directory proves, and what it proves once its history
// was trained again.
#include <csignal>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

finished audit(const study& some, const std::string& name, words more = {}) {
  more.insert(more.begin(), {"audit", some / name});
  return run(troupe(std::move(more)));
}

// Whether a line of the answer says so of `subject`.
bool says(const finished& said, const char* verdict, const char* subject) {
  return holds(said.out, fmt::format("  {:<5}  {} ", verdict, subject));
}

void expect_sound(const study& some, const std::string& name) {
  auto said = audit(some, name);
  expect_code(said, 0);
  for (auto subject : {"facts.jsonl", "updates", "versions", "config.toml",
           "checkpoints", "model.safetensors", "summary.json", "history.csv"})
    EXPECT_TRUE(says(said, "ok", subject)) << subject << " in\n" << said.out;
  EXPECT_TRUE(holds(said.out, "checksums of all sums")) << said.out;
  EXPECT_TRUE(holds(said.out, "--retrain shows")) << said.out;
  said = audit(some, name, {"--retrain"});
  expect_code(said, 0);
  EXPECT_TRUE(says(said, "ok", "retraining")) << said.out;
}

TEST(audit_test, finds_a_run_in_rounds_sound) {
  study some{quick_fedavg(8)};
  expect_code(run(some.start("a")), 0);
  auto before = some.of("a").files();

  expect_sound(some, "a");

  EXPECT_TRUE(holds(audit(some, "a").out, some.of("a").model_sha256()));
  EXPECT_EQ(some.of("a").files(), before);
}

TEST(audit_test, makes_a_run_again_whatever_its_server_does) {
  for (auto server : {"fedavgm", "fedadagrad", "fedadam", "fedyogi"}) {
    study some{quick_fedavg(8)};
    auto keys = "federation.server=" + std::string{server};
    expect_code(
        run(some.start("a", {"--set", keys, "--set", "federation.shards=3"})),
        0);

    expect_sound(some, "a");
  }
}

// A part's last bytes are the variance of one shard.
TEST(audit_test, misses_no_altered_part_of_a_checkpoint) {
  study some{quick_fedavg(8)};
  expect_code(run(some.start("a", {"--set", "federation.server=fedadam",
                                      "--set", "federation.shards=2"})),
      0);
  auto part =
      some.of("a") / "checkpoints/version-00000008.shard-2-of-2.safetensors";
  auto bytes = content(part);
  bytes.back() ^= 1;
  write(part, bytes);

  auto said = audit(some, "a");

  expect_code(said, 1);
  EXPECT_TRUE(holds(said.out, "shard-2-of-2.safetensors")) << said.out;
}

TEST(audit_test, makes_an_asynchronous_run_again) {
  for (const auto& kind : {quick_fedbuff(20), quick_fedasync(40)}) {
    study some{kind};
    expect_code(run(some.start("a", {"--set", "compute.slots=4"})), 0);

    expect_sound(some, "a");
  }
}

TEST(audit_test, finds_a_run_sound_that_was_killed_and_resumed) {
  for (const auto& kind : {quick_fedavg(8), quick_fedbuff(8)}) {
    study some{kind};
    ASSERT_EQ(
        run(with_fault(some.start("a", endless()), "kill@16:sync")).signal,
        SIGKILL);

    auto said = audit(some, "a", {"--retrain"});
    expect_code(said, 0);
    EXPECT_TRUE(holds(said.out, "none yet")) << said.out;

    auto goal = rounds(some.of("a").last_published() + 3);
    expect_code(run(some.resume("a", goal)), 0);
    ASSERT_FALSE(some.of("a").all<facts::voided>().empty());
    expect_sound(some, "a");
  }
}

// Results of the earlier end stay until the run ends again.
TEST(audit_test, knows_results_of_an_earlier_end) {
  study some{quick_fedavg(4)};
  expect_code(run(some.start("a")), 0);
  ASSERT_EQ(run(with_fault(some.resume("a", endless()), "kill@11:sync")).signal,
      SIGKILL);
  ASSERT_GT(some.of("a").last_published(), 4u);

  auto said = audit(some, "a", {"--retrain"});

  expect_code(said, 0);
  EXPECT_TRUE(holds(said.out, "version 4, an earlier end")) << said.out;
}

struct alteration {
  const char* name;
  const char* subject;
  void (*make)(const record& left);
};

std::ostream& operator<<(std::ostream& out, const alteration& x) {
  return out << x.name;
}

void flip_last_bit(const std::filesystem::path& file) {
  auto bytes = content(file);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write(file, bytes);
}

void replace_first(const std::filesystem::path& file, const std::string& from,
    const std::string& to) {
  auto text = content(file);
  auto at = text.find(from);
  ASSERT_NE(at, text.npos) << from << " in " << file;
  write(file, text.replace(at, from.size(), to));
}

void rewrite_history(const record& left, void (*change)(history_row&)) {
  auto rows = left.history();
  change(rows.back());
  auto text = history_header();
  for (const auto& row : rows)
    text += to_csv(row);
  write(left / "history.csv", text);
}

class altered_test : public testing::TestWithParam<alteration> {};

TEST_P(altered_test, is_named_and_ends_with_1) {
  study some{quick_fedavg(6)};
  expect_code(run(some.start("a")), 0);
  GetParam().make(some.of("a"));

  for (const auto& more : {words{}, words{"--retrain"}}) {
    auto said = audit(some, "a", more);

    expect_code(said, 1);
    EXPECT_TRUE(says(said, "WRONG", GetParam().subject)) << said.out;
  }
}

INSTANTIATE_TEST_SUITE_P(audit, altered_test,
    testing::Values(alteration{"model", "model.safetensors",
                        [](const record& left) {
                          flip_last_bit(left / "model.safetensors");
                        }},
        alteration{"model_header", "model.safetensors",
            [](const record& left) {
              replace_first(left / "model.safetensors",
                  "\"troupe.fingerprint\"", "\"troupe.fingerPrint\"");
            }},
        alteration{"missing_model", "model.safetensors",
            [](const record& left) {
              std::filesystem::remove(left / "model.safetensors");
            }},
        alteration{"checkpoint", "checkpoints",
            [](const record& left) {
              flip_last_bit(left.checkpoint(left.checkpoints().front()));
            }},
        alteration{"misplaced_checkpoint", "checkpoints",
            [](const record& left) {
              auto all = left.checkpoints();
              std::filesystem::copy_file(left.checkpoint(all.front()),
                  left.checkpoint(all.back()),
                  std::filesystem::copy_options::overwrite_existing);
            }},
        alteration{"updates", "summary.json",
            [](const record& left) {
              replace_first(left / "summary.json", "\"updates_accepted\": 30",
                  "\"updates_accepted\": 31");
            }},
        alteration{"digest", "model.safetensors",
            [](const record& left) {
              replace_first(left / "summary.json", "\"model_sha256\": \"",
                  "\"model_sha256\": \"0");
            }},
        alteration{"lost_scores", "history.csv",
            [](const record& left) {
              write(left / "history.csv", history_header());
            }},
        alteration{"garbage_in_history", "history.csv",
            [](const record& left) {
              auto text = content(left / "history.csv");
              write(left / "history.csv", text + "garbage,,,\n");
            }},
        alteration{"no_header_in_history", "history.csv",
            [](const record& left) {
              auto text = content(left / "history.csv");
              write(left / "history.csv", text.substr(text.find('\n') + 1));
            }},
        alteration{"updates_in_history", "history.csv",
            [](const record& left) {
              rewrite_history(left, [](history_row& x) { ++x.updates; });
            }},
        alteration{"training_loss_in_history", "history.csv",
            [](const record& left) {
              rewrite_history(
                  left, [](history_row& x) { x.training_loss += 1.0; });
            }},
        alteration{"steps", "summary.json",
            [](const record& left) {
              replace_first(
                  left / "summary.json", "\"steps\": ", "\"steps\": 1");
            }},
        alteration{"name", "summary.json",
            [](const record& left) {
              replace_first(
                  left / "summary.json", "\"name\": \"", "\"name\": \"b");
            }},
        alteration{"best_accuracy", "summary.json",
            [](const record& left) {
              replace_first(left / "summary.json", "\"best_accuracy\": 0",
                  "\"best_accuracy\": 1");
            }},
        alteration{"contribution", "updates",
            [](const record& left) {
              // Of the first update that a line of the journal tells of.
              auto text = left.journal();
              auto at = text.find("\"checksum\":[") + 13;
              text[at] = text[at] == '1' ? '2' : '1';
              write(left / "facts.jsonl", text);
            }},
        alteration{"sum", "updates",
            [](const record& left) {
              auto text = left.journal();
              auto at = text.find("\"checksum\":",
                            text.find("{\"fact\":\"published\"")) +
                        12;
              text[at] = text[at] == '1' ? '2' : '1';
              write(left / "facts.jsonl", text);
            }},
        alteration{"chain", "versions",
            [](const record& left) {
              replace_first(
                  left / "facts.jsonl", "\"before\":\"", "\"before\":\"0");
            }},
        alteration{"loss", "summary.json",
            [](const record& left) {
              replace_first(left / "summary.json", "\"loss\": ", "\"loss\": 1");
            }},
        alteration{"best", "summary.json",
            [](const record& left) {
              replace_first(left / "summary.json",
                  "\"best_version\": ", "\"best_version\": 1");
            }},
        alteration{"fingerprint", "summary.json",
            [](const record& left) {
              replace_first(left / "summary.json", "\"fingerprint\": \"",
                  "\"fingerprint\": \"another ");
            }},
        alteration{"lost_checkpoints", "checkpoints",
            [](const record& left) {
              for (auto version : left.checkpoints())
                std::filesystem::remove(left.checkpoint(version));
            }},
        alteration{"score", "history.csv",
            [](const record& left) {
              rewrite_history(left, [](history_row& x) { x.accuracy = 1.0; });
            }},
        alteration{"line_cut_out", "facts.jsonl",
            [](const record& left) {
              auto text = left.journal();
              auto first = text.find("{\"fact\":\"accepted\"");
              text.erase(first, text.find('\n', first) + 1 - first);
              write(left / "facts.jsonl", text);
            }},
        alteration{"no_journal", "facts.jsonl",
            [](const record& left) {
              std::filesystem::remove(left / "facts.jsonl");
            }},
        alteration{"lease_twice", "updates",
            [](const record& left) {
              // The first lease of a line takes the number of the first of all.
              auto text = left.journal();
              constexpr std::string_view leases = "\"lease\":[";
              auto accepted = text.find("{\"fact\":\"accepted\"");
              auto from = text.find(leases, accepted) + leases.size();
              auto lease =
                  text.substr(from, text.find_first_of(",]", from) - from);
              auto last = text.rfind("{\"fact\":\"accepted\"");
              auto to = text.find(leases, last) + leases.size();
              text.replace(to, text.find_first_of(",]", to) - to, lease);
              write(left / "facts.jsonl", text);
            }},
        alteration{"client", "updates",
            [](const record& left) {
              auto text = left.journal();
              auto accepted = text.find("{\"fact\":\"accepted\"");
              auto at = text.find("\"client\":[", accepted) + 10;
              text[at] = text[at] == '1' ? '2' : '1';
              write(left / "facts.jsonl", text);
            }},
        alteration{"seed", "config.toml",
            [](const record& left) {
              replace_first(left / "config.toml", "seed = 1 ", "seed = 2 ");
            }}),
    [](const auto& x) { return std::string{x.param.name}; });

// A journal that tells one story need not tell the true one.
TEST(audit_test, finds_out_by_training_again_what_no_file_contradicts) {
  study some{quick_fedbuff(6)};
  expect_code(run(some.start("a")), 0);
  auto left = some.of("a");
  auto text = left.journal();
  // Of an update and of the sum that it is in, alike.
  for (const std::string_view of : {"\"checksum\":[", "\"checksum\":"}) {
    const auto from = of.ends_with('[')
                          ? text.find(of)
                          : text.find(of, text.find("{\"fact\":\"published\""));
    const auto first = from + of.size();
    const auto last = text.find_first_not_of("0123456789", first);
    const auto more = std::stoull(text.substr(first, last - first)) + 1;
    text.replace(first, last - first, std::to_string(more));
  }
  write(left / "facts.jsonl", text);

  expect_code(audit(some, "a"), 0);
  auto said = audit(some, "a", {"--retrain"});

  expect_code(said, 1);
  EXPECT_TRUE(says(said, "WRONG", "retraining")) << said.out;
  EXPECT_TRUE(holds(said.out, "adds something else than it did")) << said.out;
}

TEST(audit_test, cannot_train_again_what_a_program_brought) {
  scratch_directory place;
  expect_code(run({{TROUPE_MISHAPS, "--out", (place / "a").string()}}), 0);

  auto said = run(troupe({"audit", place / "a"}));
  expect_code(said, 0);
  said = run(troupe({"audit", place / "a", "--retrain"}));

  expect_code(said, 1);
  EXPECT_TRUE(holds(said.out, "data.set = \"own\" is of a program of its own"))
      << said.out;
}

TEST(audit_test, refuses_where_there_is_no_run_to_look_at) {
  study some{quick_fedavg(3)};

  auto said = audit(some, "none");

  expect_code(said, 2);
  EXPECT_TRUE(holds(
      said.err, "there is no run in " + (some / "none").string() + " to audit"))
      << said.err;
}

TEST(audit_test, refuses_a_run_that_is_under_way) {
  study some{quick_fedavg(3)};
  process it{some.start("a", endless())};
  ASSERT_TRUE(it.until([&] { return some.of("a").last_published() >= 2; }))
      << it.err();

  auto said = audit(some, "a");

  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, "in use by another troupe process")) << said.err;
}

// Neither by doing nothing, nor by an end of another kind.
TEST(audit_test, takes_a_run_that_was_resumed_behind_its_end) {
  study some{quick_fedavg(6)};
  expect_code(run(some.start("run")), 0);
  expect_code(run(some.resume("run")), 0);
  expect_code(run(troupe({"audit", some.of("run").root()})), 0);

  expect_code(run(some.resume(
                  "run", rounds(10, {"--set", "run.target_accuracy=0.01"}))),
      0);
  EXPECT_EQ(some.of("run").summary().at("outcome"), "target_reached");
  expect_code(run(troupe({"audit", some.of("run").root()})), 0);
}

} // namespace

} // namespace troupe::tests
