// A mesh in one process as its directory has it: the same bits for any number
// of ranks, killed, interrupted, out of room or left in peace; and an audit
// that finds all of it sound.
#include <chrono>
#include <csignal>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/integration/mesh_study.hpp"
#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

using clock = std::chrono::steady_clock;

words steps(std::uint64_t count, words more = {}) {
  more.insert(more.end(), {"--set", fmt::format("run.steps={}", count)});
  return more;
}

words unending(words more = {}) {
  return steps(1'000'000, std::move(more));
}

words workers(int count) {
  return {"--set", fmt::format("parallel.workers={}", count)};
}

// What a mesh agrees by, as options.
words by(const std::string& sync) {
  if (sync == "zero")
    return {"--set", "parallel.zero=1"};
  if (sync == "parameter_server")
    return {"--set", "parallel.sync=parameter_server", "--set",
        "parallel.shards=2"};
  return {};
}

class mesh_runs_test : public testing::Test {
protected:
  finished audit(const std::string& name) const {
    return run(troupe({"audit", study_ / name}));
  }

  void expect_sound(const std::string& name) const {
    const auto said = audit(name);
    expect_code(said, 0);
    EXPECT_TRUE(holds(said.out, "without a gap")) << said.out;
    EXPECT_TRUE(holds(said.out, "These files tell one story")) << said.out;
    for (const auto& [file, bytes] : study_.of(name).files())
      EXPECT_FALSE(file.ends_with(".tmp")) << file;
  }

  // It was stopped somewhere, and comes to the bits that it would have had.
  void expect_the_bits_of_an_undisturbed_run(
      const std::string& name, words how = {}) {
    const auto left = study_.of(name);
    const auto goal = left.last_published() + 20;
    expect_code(
        run(left.has("config.toml") ? study_.resume(name, steps(goal))
                                    : study_.start(name, steps(goal, how))),
        0);
    const auto whole = fmt::format("whole-{}", name);
    expect_code(run(study_.start(whole, steps(goal, how))), 0);
    EXPECT_EQ(left.model_sha256(), study_.of(whole).model_sha256());
    for (const auto* figure : {"samples", "accuracy", "best_version"})
      EXPECT_EQ(
          left.summary().at(figure), study_.of(whole).summary().at(figure))
          << figure;
    expect_sound(name);
    expect_sound(whole);
  }

  // Has three versions behind it, and more to do than it will come to.
  void let_it_begin(process& it, const record& left) {
    ASSERT_TRUE(it.until([&] {
      return left.all<facts::published>().size() >= 3;
    })) << it.out()
        << it.err();
  }

  static const std::filesystem::path& samples() {
    static const scratch_directory place;
    static const auto path = [] {
      draw_mesh_samples(place / "samples");
      return std::filesystem::path{place / "samples"};
    }();
    return path;
  }

  study study_{quick_mesh(samples(), 60)};
};

TEST_F(mesh_runs_test, has_the_bits_of_one_rank) {
  expect_code(run(study_.start("1", workers(1))), 0);
  const auto alone = study_.of("1").model_sha256();

  for (const auto* count : {"2", "3", "4"}) {
    const auto said = run(study_.start(count, workers(std::stoi(count))));

    expect_code(said, 0);
    EXPECT_EQ(study_.of(count).model_sha256(), alone) << count;
    expect_sound(count);
  }
  for (const auto* sync : {"zero", "parameter_server"}) {
    expect_code(run(study_.start(sync, by(sync))), 0);
    EXPECT_EQ(study_.of(sync).model_sha256(), alone) << sync;
    expect_sound(sync);
  }
}

TEST_F(mesh_runs_test, speaks_of_ranks_steps_and_samples) {
  const auto said = run(study_.start("a"));

  expect_code(said, 0);
  EXPECT_TRUE(
      holds(said.out, "quick: all_reduce, 2 ranks, 60 steps of 24 samples, "))
      << said.out;
  EXPECT_TRUE(holds(said.out, "step 20/60  accuracy ")) << said.out;
  EXPECT_TRUE(holds(said.out, " steps/s")) << said.out;
  EXPECT_TRUE(holds(said.out, "completed: step 60/60  ")) << said.out;
  EXPECT_TRUE(holds(said.out, "1,440 samples in ")) << said.out;
  const auto summary = study_.of("a").summary();
  EXPECT_EQ(summary.at("samples"), 1440);
  EXPECT_EQ(summary.at("steps"), 60);
  EXPECT_GT(summary.at("steps_per_second"), 0.0);
  EXPECT_FALSE(summary.contains("updates_accepted"));
  EXPECT_TRUE(
      holds(content(study_ / "a/history.svg"), "accuracy and loss by step"));
  const auto compared = run(troupe({"compare", study_ / "a"}));
  EXPECT_TRUE(holds(compared.out, "SAMPLES")) << compared.out;
  EXPECT_FALSE(holds(compared.out, "UPDATES")) << compared.out;
}

TEST_F(mesh_runs_test, has_nothing_to_do_behind_its_end) {
  expect_code(run(study_.start("a")), 0);
  const auto before = study_.of("a").files();

  const auto said = run(study_.resume("a"));

  expect_code(said, 0);
  EXPECT_TRUE(holds(said.out, "nothing to do")) << said.out;
  const auto after = study_.of("a").files();
  for (const auto* same : {"model.safetensors", "summary.json", "history.csv"})
    EXPECT_EQ(after.at(same), before.at(same)) << same;
  expect_sound("a");
}

TEST_F(mesh_runs_test, goes_on_behind_its_end_with_more_steps_and_other_ranks) {
  expect_code(run(study_.start("a")), 0);

  auto more = workers(3);
  expect_code(run(study_.resume("a", steps(100, more))), 0);

  expect_code(run(study_.start("whole", steps(100))), 0);
  EXPECT_EQ(study_.of("a").model_sha256(), study_.of("whole").model_sha256());
  EXPECT_EQ(study_.of("a").summary().at("samples"), 2400);
  expect_sound("a");
}

/// How it agrees, and the file operation at which it is killed.
struct kill {
  const char* sync;
  const char* fault;
};

std::ostream& operator<<(std::ostream& out, const kill& x) {
  return out << x.sync << " " << x.fault;
}

class mesh_kill_test : public mesh_runs_test,
                       public testing::WithParamInterface<kill> {};

TEST_P(mesh_kill_test, comes_to_the_bits_of_an_undisturbed_run) {
  const auto& [sync, fault] = GetParam();
  auto how = by(sync);
  const auto seed = testing::UnitTest::GetInstance()->current_test_info();
  const std::string name = seed->name();
  how.insert(how.end(), {"--seed", name.substr(name.rfind('/') + 1)});

  const auto said = run(with_fault(study_.start("a", unending(how)), fault));

  ASSERT_EQ(said.signal, SIGKILL) << said.text();
  expect_the_bits_of_an_undisturbed_run("a", how);
}

INSTANTIATE_TEST_SUITE_P(seed, mesh_kill_test,
    testing::Values(
        // before there is a checkpoint
        kill{"all_reduce", "kill@1:write"}, kill{"all_reduce", "kill@2:rename"},
        kill{"zero", "kill@3:write"}, kill{"parameter_server", "kill@4:write"},
        kill{"all_reduce", "kill@2:sync"}, kill{"zero", "kill@3:rename"},
        // while one is written, and behind it
        kill{"all_reduce", "kill@5:sync"}, kill{"zero", "kill@6:sync"},
        kill{"parameter_server", "kill@7:sync"},
        kill{"all_reduce", "kill@9:write"}, kill{"zero", "kill@12:write"},
        kill{"parameter_server", "kill@10:write"},
        kill{"all_reduce", "kill@4:rename"}, kill{"zero", "kill@5:rename"},
        kill{"parameter_server", "kill@6:rename"},
        // while the oldest is removed
        kill{"all_reduce", "kill@1:remove"}, kill{"zero", "kill@2:remove"},
        kill{"parameter_server", "kill@3:remove"},
        // far on
        kill{"all_reduce", "kill@60"}, kill{"zero", "kill@75"},
        kill{"parameter_server", "kill@90"}));

TEST_F(mesh_runs_test, survives_one_kill_after_the_other) {
  const auto left = study_.of("a");
  std::uint64_t reached = 0;
  for (int kill = 0; kill < 5; ++kill) {
    process one{kill == 0 ? study_.start("a", unending()) : study_.resume("a")};
    ASSERT_TRUE(one.until([&] { return left.last_published() > reached + 30; }))
        << one.err();
    one.signal(SIGKILL);
    one.wait();
    reached = left.last_published();
    const auto said = audit("a");
    expect_code(said, 0);
  }

  expect_the_bits_of_an_undisturbed_run("a");
}

TEST_F(mesh_runs_test, ends_within_two_seconds_when_asked_and_can_be_resumed) {
  const auto left = study_.of("a");
  process it{study_.start("a", unending())};
  let_it_begin(it, left);

  const auto then = clock::now();
  it.signal(SIGINT);
  const auto how = it.wait();

  EXPECT_EQ(how.code, 130) << it.err();
  EXPECT_LT(clock::now() - then, std::chrono::seconds{2});
  EXPECT_TRUE(holds(it.err(), "interrupted at step ")) << it.err();
  EXPECT_TRUE(holds(it.err(), "--resume")) << it.err();
  EXPECT_FALSE(left.has("summary.json"));
  EXPECT_EQ(left.all<facts::run_ended>().back().outcome, "interrupted");
  EXPECT_EQ(left.checkpoints().back(), left.last_published());
  expect_code(audit("a"), 0);
  expect_the_bits_of_an_undisturbed_run("a");
}

TEST_F(mesh_runs_test, says_so_when_the_disk_is_full_and_goes_on_when_not) {
  for (const auto* fault : {"fail@2+:write=ENOSPC", "fail@9+:write=ENOSPC",
           "fail@6+:sync=ENOSPC", "fail@4+:rename=ENOSPC"}) {
    SCOPED_TRACE(fault);
    const auto said = run(with_fault(study_.start(fault, unending()), fault));

    expect_code(said, 1);
    EXPECT_TRUE(holds(said.err, "No space left on device")) << said.err;
    EXPECT_TRUE(holds(said.err, "--resume")) << said.err;
    EXPECT_FALSE(study_.of(fault).has("summary.json"));
    expect_the_bits_of_an_undisturbed_run(fault);
  }
}

// Not even root may write there.
TEST_F(mesh_runs_test, names_a_directory_that_it_cannot_write) {
  const auto said =
      run(troupe({"run", study_.config(), "--out", "/proc/mesh"}));

  expect_code(said, 1);
  EXPECT_TRUE(holds(said.err, "/proc/mesh: cannot make")) << said.err;
}

/// A line of the journal that is told otherwise, and what the audit says of it.
struct lie {
  const char* name;
  const char* from;
  const char* to;
  const char* said;
};

std::ostream& operator<<(std::ostream& out, const lie& x) {
  return out << x.name;
}

class mesh_audit_test : public mesh_runs_test,
                        public testing::WithParamInterface<lie> {};

TEST_P(mesh_audit_test, names_what_contradicts_what) {
  expect_code(run(study_.start("a")), 0);
  auto journal = study_.of("a").journal();
  const auto at = journal.find(GetParam().from);
  ASSERT_NE(at, std::string::npos) << journal;
  journal.replace(at, std::string_view{GetParam().from}.size(), GetParam().to);
  write(study_ / "a/facts.jsonl", journal);

  const auto said = audit("a");

  expect_code(said, 1);
  EXPECT_TRUE(holds(said.out, GetParam().said)) << said.out;
}

INSTANTIATE_TEST_SUITE_P(lie, mesh_audit_test,
    testing::Values(
        lie{"a_stretch", "\"first\":0,", "\"first\":1,", "follow step 0"},
        lie{"samples", "\"total_updates\":480", "\"total_updates\":481",
            "version 20 counts"},
        lie{"a_version", "\"version\":20,\"round\":20",
            "\"version\":21,\"round\":21", "version 21 comes behind"},
        lie{"ranks", "\"fact\":\"mesh_formed\",\"number\":2,\"at\"",
            "\"fact\":\"went_on\",\"number\":2,\"needs\":\"\",\"at\"",
            "made the steps behind 0"}),
    [](const auto& x) { return std::string{x.param.name}; });

} // namespace

} // namespace troupe::tests
