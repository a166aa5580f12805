// FedAvg, killed and resumed: law 4, what was acknowledged survives any crash,
// and law 5, it does not change a bit.
#include <csignal>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/record/journal.hpp"
#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

/// When to kill: at a file operation, as soon as there is a file, or once the
/// journal tells of so many versions.
struct moment {
  std::string fault;
  std::string file = {};
  std::size_t versions = 0;
};

std::ostream& operator<<(std::ostream& out, const moment& x) {
  if (!x.fault.empty())
    return out << x.fault;
  return out << x.file << " " << x.versions << " versions";
}

class kill_test : public testing::TestWithParam<moment> {
protected:
  // Each moment has a seed of its own.
  words seeded() const {
    auto info = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = info->name();
    auto result = more_;
    result.insert(result.end(), {"--seed", name.substr(name.rfind('/') + 1)});
    return result;
  }

  static void kill_at(
      const moment& when, const command& what, const record& left) {
    process it{with_fault(what, when.fault)};
    if (when.fault.empty()) {
      auto due = [&] {
        return left.has(when.file) &&
               left.all<facts::published>().size() >= when.versions;
      };
      ASSERT_TRUE(it.until(due)) << it.out() << it.err();
      it.signal(SIGKILL);
    }
    ASSERT_EQ(it.wait().signal, SIGKILL) << it.out() << it.err();
    ASSERT_FALSE(left.has("summary.json"));
  }

  // Behind a resumption: nothing broken, nothing counted twice or forgotten.
  void expect_sound(const record& left) {
    auto journal = left.journal();
    auto told = journal::scan(journal, [](const fact&) {});
    EXPECT_EQ(told.torn_bytes, 0u);
    for (const auto& line : left.lines())
      EXPECT_TRUE(nlohmann::json::accept(line)) << line;
    std::set<lease_id> leases;
    std::uint64_t updates = 0;
    for (const auto& x : left.all_standing<facts::accepted>())
      EXPECT_TRUE(leases.insert(x.lease).second) << "lease " << x.lease;
    for (const auto& x : left.all_standing<facts::published>())
      updates += x.updates;
    EXPECT_EQ(leases.size(), left.summary().at("updates_accepted"));
    EXPECT_EQ(updates, left.summary().at("updates_accepted"));
  }

  // The history, but for when, and for a mean whose last digit is a matter of
  // who came first.
  static std::string scores(const record& left) {
    std::string result;
    for (auto row : left.history()) {
      row.seconds = row.training_loss = 0.0;
      result += to_csv(row);
    }
    return result;
  }

  void expect_nothing_left_over(const record& left) {
    for (const auto& [name, bytes] : left.files())
      EXPECT_FALSE(name.ends_with(".tmp")) << name;
  }

  void end_with_the_bits_of_an_undisturbed_run();

  study study_{quick_fedavg(12)};
  words more_;
};

void kill_test::end_with_the_bits_of_an_undisturbed_run() {
  auto killed = study_.of("killed");
  auto whole = study_.of("whole");
  kill_at(GetParam(), study_.start("killed", endless(seeded())), killed);
  if (HasFatalFailure())
    return;
  auto before = journal::scan(killed.journal(), [](const fact&) {});
  auto goal = killed.last_published() + 4;

  auto rest = killed.has("config.toml")
                  ? run(study_.resume("killed", rounds(goal)))
                  : run(study_.start("killed", rounds(goal, seeded())));

  expect_code(rest, 0);
  expect_code(run(study_.start("whole", rounds(goal, seeded()))), 0);
  EXPECT_EQ(killed.model_sha256(), whole.model_sha256());
  EXPECT_EQ(killed.summary().at("updates_accepted"),
      whole.summary().at("updates_accepted"));
  EXPECT_EQ(killed.summary().at("accuracy"), whole.summary().at("accuracy"));
  EXPECT_EQ(scores(killed), scores(whole));
  expect_sound(killed);
  expect_nothing_left_over(killed);
  for (const auto& x : killed.all<facts::voided>()) {
    EXPECT_LE(x.first, x.last);
    EXPECT_EQ(x.last, before.last_number);
  }
}

TEST_P(kill_test, ends_with_the_bits_of_an_undisturbed_run) {
  end_with_the_bits_of_an_undisturbed_run();
}

INSTANTIATE_TEST_SUITE_P(seed, kill_test,
    testing::Values(
        // before the first checkpoint
        moment{"kill@1:write"}, moment{"kill@1:sync"}, moment{"kill@2:rename"},
        moment{"kill@3:write"}, moment{"kill@4:write"}, moment{"kill@3:rename"},
        moment{"kill@2:write"}, moment{"kill@5:sync"}, moment{"kill@5:write"},
        moment{"", "config.toml"}, moment{"", "facts.jsonl"},
        // inside a write, a sync or a rename, later
        moment{"kill@11:write"}, moment{"kill@17:write"}, moment{"kill@9:sync"},
        moment{"kill@11:sync"}, moment{"kill@12:sync"}, moment{"kill@13:sync"},
        moment{"kill@4:rename"}, moment{"kill@40"}, moment{"kill@25:write"},
        // wherever it happens to be
        moment{"", "facts.jsonl", 1}, moment{"", "facts.jsonl", 3},
        moment{"", "facts.jsonl", 8}));

// A checkpoint is three parts and a manifest.
class parts_kill_test : public kill_test {
protected:
  parts_kill_test() {
    more_ = {
        "--set", "federation.shards=3", "--set", "federation.server=fedadam"};
  }
};

TEST_P(parts_kill_test, ends_with_the_bits_of_an_undisturbed_run) {
  end_with_the_bits_of_an_undisturbed_run();
  std::size_t stored = 0;
  auto left = study_.of("killed");
  for (const auto& [name, bytes] : left.files())
    stored += name.starts_with("checkpoints/");
  EXPECT_EQ(stored, 4 * left.checkpoints().size());
}

INSTANTIATE_TEST_SUITE_P(seed, parts_kill_test,
    testing::Values(
        // between the files of a checkpoint, the first one and later
        moment{"kill@3:rename"}, moment{"kill@4:rename"},
        moment{"kill@5:rename"}, moment{"kill@6:rename"},
        moment{"kill@7:rename"}, moment{"kill@8:rename"},
        moment{"kill@9:rename"}, moment{"kill@10:rename"},
        // within one, and before its name is safe
        moment{"kill@7:write"}, moment{"kill@12:write"}, moment{"kill@9:sync"},
        moment{"kill@14:sync"}, moment{"kill@17:sync"}, moment{"kill@20:sync"},
        // while the oldest is removed
        moment{"kill@1:remove"}, moment{"kill@3:remove"},
        moment{"kill@5:remove"}, moment{"kill@8:remove"},
        // wherever it happens to be
        moment{"", "facts.jsonl", 2}, moment{"", "facts.jsonl", 7}));

TEST_F(parts_kill_test, goes_on_with_any_number_of_shards) {
  auto killed = study_.of("killed");
  auto shards = [](const std::string& count, words more = {}) {
    more.insert(more.end(), {"--set", "federation.shards=" + count});
    return more;
  };
  kill_at({"kill@17:sync"}, study_.start("killed", endless(more_)), killed);
  kill_at({"kill@9:sync"}, study_.resume("killed", shards("5")), killed);
  auto goal = killed.last_published() + 4;

  expect_code(run(study_.resume("killed", rounds(goal, shards("1")))), 0);

  expect_code(run(study_.start("whole", rounds(goal, more_))), 0);
  EXPECT_EQ(killed.model_sha256(), study_.of("whole").model_sha256());
  expect_sound(killed);
  expect_nothing_left_over(killed);
}

TEST_F(kill_test, survives_one_kill_after_the_other) {
  auto killed = study_.of("killed");
  kill_at({"kill@6:write"}, study_.start("killed", endless()), killed);

  for (auto fault : {"kill@1:rename", "kill@4:sync", "kill@7:write",
           "kill@12:sync", "kill@2:rename", "kill@4:write", "kill@3:rename"})
    kill_at({fault}, study_.resume("killed"), killed);
  auto goal = rounds(killed.last_published() + 4);
  expect_code(run(study_.resume("killed", goal)), 0);

  expect_code(run(study_.start("whole", goal)), 0);
  EXPECT_EQ(killed.model_sha256(), study_.of("whole").model_sha256());
  expect_sound(killed);
  expect_nothing_left_over(killed);
}

// The last version alone is stored, so that these are the files at the end:
// checkpoint, drawing, model, summary.
TEST_F(kill_test, survives_while_it_writes_its_results) {
  words sparing{"--set", "run.checkpoint_every=1000"};
  expect_code(run(study_.start("whole", sparing)), 0);
  for (auto fault :
      {"kill@4:rename", "kill@5:rename", "kill@6:rename", "kill@7:rename"}) {
    auto killed = study_.of(fault);
    kill_at({fault}, study_.start(fault, sparing), killed);

    expect_code(run(study_.resume(fault)), 0);

    EXPECT_EQ(killed.model_sha256(), study_.of("whole").model_sha256());
    EXPECT_EQ(killed.summary().at("accuracy"),
        study_.of("whole").summary().at("accuracy"));
    expect_sound(killed);
    expect_nothing_left_over(killed);
  }
}

} // namespace

} // namespace troupe::tests
