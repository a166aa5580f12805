// States of clients, killed and resumed: law 4 holds for them, too. What each
// client counted is what the journal says, and under a synchronous rule no bit
// of a model or a state is another than in an undisturbed run.
#include <chrono>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>

#include "gpu/random.hpp"
#include "runtime/record/audit.hpp"
#include "runtime/record/checkpoint.hpp"
#include "tests/integration/counting.hpp"
#include "tests/integration/study.hpp"
#include "tests/support/counted_updates.hpp"

namespace troupe::tests {

namespace {

checkpoint stored_in(const record& left, version_id version) {
  files disk;
  return read_checkpoint(disk, left.checkpoint(version), {});
}

checkpoint last_stored(const record& left) {
  return stored_in(left, left.checkpoints().back());
}

// In every checkpoint that is there.
void expect_counted(const record& left) {
  const auto facts = left.standing();
  for (auto version : left.checkpoints()) {
    const auto states = stored_in(left, version).states;
    const auto updates = counted_updates(facts, version);
    EXPECT_EQ(states.size(), updates.size()) << "version " << version;
    for (auto [client, count] : updates) {
      const auto state = states.of(client);
      ASSERT_TRUE(state) << "client " << client << ", version " << version;
      EXPECT_EQ(state->span()[0], static_cast<float>(count))
          << "client " << client << ", version " << version;
    }
  }
}

void expect_same_states(const checkpoint& a, const checkpoint& b) {
  ASSERT_EQ(a.version, b.version);
  ASSERT_EQ(a.states.size(), b.states.size());
  for (const auto& [client, values] : a.states.all()) {
    const auto bytes = std::as_bytes(values->span());
    const auto other = b.states.of(client);
    ASSERT_TRUE(other) << "client " << client;
    EXPECT_TRUE(std::ranges::equal(bytes, std::as_bytes(other->span())))
        << "client " << client;
  }
}

class client_state_test : public testing::TestWithParam<int> {
protected:
  command start(const std::string& run, words options) const {
    options.insert(options.begin(), {TROUPE_COUNTING, "--out", place_ / run});
    options.insert(options.end(), {"--seed", std::to_string(seed())});
    options.insert(options.end(), more_.begin(), more_.end());
    return {std::move(options)};
  }
  command resume(const std::string& run, words options) const {
    auto result = start(run, std::move(options));
    result.words.push_back("--resume");
    return result;
  }
  record of(const std::string& run) const { return record{place_ / run}; }
  static int seed() { return GetParam(); }

  static version_id newest(const record& left) {
    const auto all = left.checkpoints();
    return all.empty() ? 0 : all.back();
  }

  // At any moment behind one more checkpoint.
  void kill(const command& what, const record& left) {
    const auto before = newest(left);
    const std::chrono::microseconds more{random_.below(50'000)};
    process it{what};
    ASSERT_TRUE(it.until([&] { return newest(left) > before; }))
        << it.out() << it.err();
    std::this_thread::sleep_for(more);
    it.signal(SIGKILL);
    ASSERT_EQ(it.wait().signal, SIGKILL) << it.out() << it.err();
  }

  // Twice, and then to its end; answers with how many rounds that had.
  version_id survive() {
    const auto killed = of("killed");
    kill(start("killed", endless()), killed);
    if (HasFatalFailure())
      return 0;
    kill(resume("killed", endless()), killed);
    if (HasFatalFailure())
      return 0;
    expect_counted(killed);
    const auto goal = killed.last_published() + 4;
    expect_code(run(resume("killed", rounds(goal))), 0);
    EXPECT_EQ(killed.all<facts::run_started>().size(), 3u);
    expect_counted(killed);
    EXPECT_EQ(last_stored(killed).version, goal);
    return goal;
  }

  void expect_the_bits_of_an_undisturbed_run(version_id goal) {
    expect_code(run(start("whole", rounds(goal))), 0);
    EXPECT_EQ(of("killed").model_sha256(), of("whole").model_sha256());
    expect_same_states(last_stored(of("killed")), last_stored(of("whole")));
  }

  scratch_directory place_;
  gpu::random_stream random_{
      static_cast<std::uint64_t>(GetParam()), gpu::stream::user};
  words more_;
};

TEST_P(client_state_test, survives_under_fedavg_without_another_bit) {
  const auto goal = survive();
  if (HasFatalFailure())
    return;
  expect_the_bits_of_an_undisturbed_run(goal);
}

TEST_P(client_state_test, survives_under_fedbuff_and_counts_what_counts) {
  more_ = {"--set", "federation.rule=fedbuff", "--set", "federation.buffer=3",
      "--set", "federation.concurrency=6"};
  survive();
}

INSTANTIATE_TEST_SUITE_P(seed, client_state_test, testing::Range(1, 11));

class client_state_parts_test : public client_state_test {
protected:
  client_state_parts_test() {
    more_ = {
        "--set", "federation.shards=3", "--set", "federation.server=fedadam"};
  }
};

TEST_P(client_state_parts_test, survives_beside_the_parts_of_three_shards) {
  const auto goal = survive();
  if (HasFatalFailure())
    return;
  expect_the_bits_of_an_undisturbed_run(goal);
  std::size_t stored = 0;
  for (const auto& [name, bytes] : of("killed").files())
    stored += name.starts_with("checkpoints/");
  EXPECT_EQ(stored, 5 * of("killed").checkpoints().size());
}

INSTANTIATE_TEST_SUITE_P(seed, client_state_parts_test, testing::Values(1, 2));

class client_state_audit_test : public client_state_test {
protected:
  finding trained_again(const topology& what) const {
    files disk;
    return retrained(disk, run_directory{of("a").root()}, what,
        [](version_id, version_id) {});
  }
};

TEST_P(client_state_audit_test, finds_states_as_the_journal_has_them) {
  expect_code(run(start("a", rounds(8))), 0);

  const auto said = run(troupe({"audit", of("a").root()}));

  expect_code(said, 0);
  EXPECT_TRUE(holds(said.out, "with the states of 10 clients")) << said.out;
}

TEST_P(client_state_audit_test, trains_again_from_the_states_that_there_were) {
  more_ = {"--set", "federation.rule=fedbuff", "--set",
      "federation.concurrency=6", "--set", "federation.buffer=3"};
  expect_code(run(start("a", rounds(20))), 0);

  const auto same =
      trained_again(counting_clients().with({"federation.rule=fedbuff",
          "federation.concurrency=6", "federation.buffer=3"}));

  EXPECT_TRUE(same.sound) << same.text;
  EXPECT_TRUE(holds(same.text, "and so are the states of 10 clients"));
}

TEST_P(client_state_audit_test, finds_a_state_that_is_not_the_clients_own) {
  expect_code(run(start("a", rounds(8))), 0);
  auto last = last_stored(of("a"));
  const client_state changed[] = {{3, last.states.of(4)}};
  last.states.take(changed);
  files disk;
  write_checkpoint(disk, of("a") / "checkpoints", {}, last);

  const auto other = trained_again(counting_clients());

  EXPECT_FALSE(other.sound);
  EXPECT_TRUE(holds(other.text, "gives client 3 another state")) << other.text;
}

INSTANTIATE_TEST_SUITE_P(seed, client_state_audit_test, testing::Values(1));

} // namespace

} // namespace troupe::tests
