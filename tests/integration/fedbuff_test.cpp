// Rules without rounds: one recorded history gives one model, and a crash takes
// back nothing that was stored.
#include <csignal>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/configuration/configuration.hpp"
#include "runtime/record/journal.hpp"
#include "runtime/record/replay.hpp"
#include "runtime/record/sha256.hpp"
#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

using digests = std::map<version_id, std::string>;

// What the standing facts of a run make of each version.
digests replayed(const record& left) {
  digests result;
  auto then = read_effective_configuration(left / "config.toml");
  replay(from(then.value), left.journal(), [&](const remade& what) {
    result[what.version] = sha256(std::as_bytes(what.parameters));
  });
  return result;
}

// What checkpoints hold at this moment.
digests stored(const record& left) {
  digests result;
  for (auto version : left.checkpoints())
    result[version] = sha256sum(tensor_bytes(left.checkpoint(version)));
  return result;
}

void expect_replayable(const record& left) {
  auto made = replayed(left);
  for (const auto& x : left.all_standing<facts::stored>())
    EXPECT_EQ(made[x.version], x.sha256) << "version " << x.version;
  EXPECT_EQ(made.rbegin()->second, left.model_sha256());
  EXPECT_EQ(made.rbegin()->first, left.summary().at("version"));
}

void expect_each_lease_once(const record& left) {
  std::set<lease_id> leases;
  std::uint64_t updates = 0;
  for (const auto& f : left.standing()) {
    if (auto* x = std::get_if<facts::accepted>(&f.what))
      EXPECT_TRUE(leases.insert(x->lease).second) << "lease " << x->lease;
    auto* x = std::get_if<facts::published>(&f.what);
    if (!x)
      continue;
    updates += x->updates;
    EXPECT_EQ(x->total_updates, updates) << "version " << x->version;
    EXPECT_EQ(leases.size(), updates) << "version " << x->version;
  }
  EXPECT_EQ(updates, left.summary().at("updates_accepted"));
}

TEST(fedbuff_test, publishes_what_a_replay_of_its_journal_gives) {
  study some{quick_fedbuff(40)};

  expect_code(run(some.start("a", {"--set", "compute.slots=4"})), 0);

  auto left = some.of("a");
  EXPECT_EQ(left.summary().at("version"), 40);
  EXPECT_FALSE(left.all<facts::stored>().empty());
  std::uint64_t stale = 0;
  for (const auto& x : left.all<facts::accepted>())
    stale += x.staleness > 0 ? 1 : 0;
  EXPECT_GT(stale, 0u) << "the run was not asynchronous";
  expect_replayable(left);
  expect_each_lease_once(left);
}

TEST(fedasync_test, publishes_what_a_replay_of_its_journal_gives) {
  study some{quick_fedasync(80)};

  expect_code(run(some.start("a", {"--set", "compute.slots=4"})), 0);

  auto left = some.of("a");
  EXPECT_EQ(left.summary().at("version"), 80);
  EXPECT_EQ(left.summary().at("updates_accepted"), 80);
  std::uint64_t stale = 0;
  for (const auto& x : left.all<facts::accepted>()) {
    EXPECT_TRUE(x.mixed);
    stale += x.staleness > 0 ? 1 : 0;
  }
  EXPECT_GT(stale, 0u) << "the run was not asynchronous";
  expect_replayable(left);
  expect_each_lease_once(left);
}

TEST(fedasync_test, makes_other_bits_where_its_journal_tells_another_rate) {
  study some{quick_fedasync(20)};
  expect_code(run(some.start("a", {"--set", "compute.slots=4"})), 0);
  auto left = some.of("a");
  auto journal = left.journal();
  constexpr std::string_view scaled = "\"scale\":0.";
  auto at = journal.find(scaled);
  ASSERT_NE(at, std::string::npos);
  at += scaled.size();
  journal[at] = journal[at] == '1' ? '2' : '1';
  write(left / "facts.jsonl", journal);

  EXPECT_NE(replayed(left).rbegin()->second, left.model_sha256());
}

TEST(fedbuff_test, replays_fedavg_too) {
  study some{quick_fedavg(5)};

  expect_code(run(some.start("a")), 0);

  expect_replayable(some.of("a"));
}

TEST(fedbuff_test, notices_a_history_that_was_tampered_with) {
  study some{quick_fedbuff(6)};
  expect_code(run(some.start("a")), 0);
  auto left = some.of("a");
  auto journal = left.journal();
  auto at = journal.find("\"client\":[") + 10;
  auto other = journal.rfind("\"client\":[") + 10;
  std::swap(journal[at], journal[other]);
  at = journal.find("\"weight\":[0.") + 12;
  journal[at] = journal[at] == '1' ? '2' : '1';
  write(left / "facts.jsonl", journal);

  EXPECT_NE(replayed(left).rbegin()->second, left.model_sha256());
}

TEST(fedbuff_test, replays_no_history_of_other_data) {
  study some{quick_fedavg(2)};
  expect_code(run(some.start("a")), 0);
  auto left = some.of("a");
  auto then = read_effective_configuration(left / "config.toml");
  then.value.data.beta = 0.75;

  EXPECT_THROW(replay(from(then.value), left.journal(), [](const remade&) {}),
      bad_history);
}

class killed_test : public testing::TestWithParam<const char*> {
protected:
  static void expect_to_complete(const std::string& configuration);
};

void killed_test::expect_to_complete(const std::string& configuration) {
  study some{configuration};
  auto left = some.of("a");
  auto what = with_fault(some.start("a", endless()), GetParam());
  ASSERT_EQ(run(what).signal, SIGKILL);
  auto before = stored(left);
  auto said = left.all<facts::stored>();
  for (const auto& x : left.all<facts::stored>())
    ASSERT_LE(x.version, before.rbegin()->first);
  auto goal = left.last_published() + 5;

  expect_code(run(some.resume("a", rounds(goal))), 0);

  for (const auto& x : left.all<facts::voided>())
    EXPECT_EQ(x.version, before.empty() ? 0 : before.rbegin()->first);
  auto made = replayed(left);
  for (const auto& [version, digest] : before)
    EXPECT_EQ(made[version], digest) << "version " << version;
  for (const auto& x : said)
    EXPECT_EQ(made[x.version], x.sha256) << "version " << x.version;
  expect_replayable(left);
  expect_each_lease_once(left);
  EXPECT_EQ(left.summary().at("version"), goal);
}

TEST_P(killed_test, of_fedbuff_keeps_what_it_stored_and_completes) {
  expect_to_complete(quick_fedbuff(1));
}

TEST_P(killed_test, of_fedasync_keeps_what_it_stored_and_completes) {
  expect_to_complete(quick_fedasync(1));
}

INSTANTIATE_TEST_SUITE_P(at, killed_test,
    testing::Values("kill@4:write", "kill@11:write", "kill@18:write",
        "kill@31:write", "kill@4:rename", "kill@9:sync", "kill@11:sync",
        "kill@12:sync", "kill@13:sync", "kill@60"));

} // namespace

} // namespace troupe::tests
