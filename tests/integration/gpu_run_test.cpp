// Whole runs on a GPU: the tool as it is, and the tool whose CUDA is emulated.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/integration/coordination.hpp"

namespace troupe::tests {

namespace {

// Small, for emulated kernels are slow.
constexpr auto configuration = R"([run]
name = "gpu"
rounds = 6
evaluate_every = 2
[data]
set = "synthetic"
[model]
kind = "softmax"
[federation]
rule = "fedavg"
clients = 10
fraction = 0.5
[client]
steps = 12
lr = 0.05
[compute]
device = "cuda"
slots = 3
)";

// The package that checks another machine carries the tool along.
const char* gpu_tool() {
  const auto* carried = std::getenv("TROUPE_TOOL");
  return carried != nullptr ? carried : TROUPE_GPU_TOOL;
}

class gpu_run_test : public testing::Test {
protected:
  void SetUp() override {
    auto seen = run(tool({"devices", "--json"}));
    ASSERT_EQ(seen.code, 0) << seen.err;
    if (!holds(seen.out, "cuda:0"))
      GTEST_SKIP() << "no GPU here: " << seen.out;
  }

  static command tool(words arguments) {
    arguments.insert(arguments.begin(), gpu_tool());
    return {std::move(arguments)};
  }
  command start(const std::string& name, words options = {}) const {
    return with_tool(study_.start(name, std::move(options)));
  }
  command resume(const std::string& name, words options = {}) const {
    return with_tool(study_.resume(name, std::move(options)));
  }
  std::string sha(const std::string& name) const {
    return study_.of(name).model_sha256();
  }

  study study_{configuration};

private:
  static command with_tool(command what) {
    what.words[0] = gpu_tool();
    return what;
  }
};

const words mixed{"--set", "compute.device=auto", "--set",
    "compute.devices=[\"cpu\", \"cuda:0\"]", "--set",
    "compute.slots={cpu = 2, \"cuda:0\" = 3}"};

TEST_F(gpu_run_test, repeats_its_bits_at_any_number_of_slots) {
  expect_code(run(start("a")), 0);
  expect_code(run(start("b", {"--set", "compute.slots=7"})), 0);
  expect_code(run(start("c", {"--set", "compute.slots=1"})), 0);

  EXPECT_EQ(sha("b"), sha("a"));
  EXPECT_EQ(sha("c"), sha("a"));
  auto sum = study_.of("a").summary();
  EXPECT_EQ(sum.at("version"), 6);
  EXPECT_EQ(sum.at("updates_accepted"), 30);
  EXPECT_TRUE(holds(sum.at("fingerprint"), "cuda")) << sum;
}

TEST_F(gpu_run_test, learns_what_a_cpu_does) {
  expect_code(run(start("gpu")), 0);
  expect_code(run(start("cpu", {"--set", "compute.device=cpu"})), 0);

  auto gpu = study_.of("gpu").summary();
  auto cpu = study_.of("cpu").summary();
  EXPECT_NEAR(gpu.at("accuracy"), cpu.at("accuracy"), 0.01);
  EXPECT_NEAR(gpu.at("loss"), cpu.at("loss"), 1e-3);
}

TEST_F(gpu_run_test, learns_the_same_in_bf16_and_stays_with_it) {
  const words bf16{"--set", "compute.precision=bf16"};
  expect_code(run(start("a", bf16)), 0);
  expect_code(run(start("b", {"--set", "compute.precision=bf16", "--set",
                                 "compute.slots=1"})),
      0);
  expect_code(run(start("fp32")), 0);

  EXPECT_EQ(sha("a"), sha("b"));
  EXPECT_NE(sha("a"), sha("fp32"));
  auto rounded = study_.of("a").summary();
  auto whole = study_.of("fp32").summary();
  EXPECT_NEAR(rounded.at("accuracy"), whole.at("accuracy"), 0.01);
  EXPECT_NEAR(rounded.at("loss"), whole.at("loss"), 1e-2);
  EXPECT_TRUE(holds(rounded.at("fingerprint"), "bf16")) << rounded;
  EXPECT_FALSE(holds(whole.at("fingerprint"), "bf16")) << whole;

  auto refused =
      run(resume("a", rounds(8, {"--set", "compute.precision=fp32"})));
  EXPECT_EQ(refused.code, 2) << refused.out << refused.err;
  EXPECT_TRUE(holds(refused.err, "compute.precision was \"bf16\""))
      << refused.err;
  expect_code(run(resume("a", rounds(8))), 0);
  auto on_cpu = run(start("cpu",
      {"--set", "compute.precision=bf16", "--set", "compute.device=cpu"}));
  EXPECT_EQ(on_cpu.code, 2) << on_cpu.out << on_cpu.err;
  EXPECT_TRUE(holds(on_cpu.err, "needs a GPU")) << on_cpu.err;
}

TEST_F(gpu_run_test, ends_with_the_same_bits_when_killed_and_resumed) {
  expect_code(run(start("whole")), 0);
  process it{with_fault(start("killed"), "kill@9:sync")};
  ASSERT_EQ(it.wait().signal, SIGKILL) << it.out() << it.err();

  expect_code(run(resume("killed")), 0);

  EXPECT_EQ(sha("killed"), sha("whole"));
}

TEST_F(gpu_run_test, mixes_devices_by_the_seed_alone) {
  expect_code(run(start("a", mixed)), 0);
  expect_code(run(start("b", mixed)), 0);
  EXPECT_EQ(sha("a"), sha("b"));

  auto more = rounds(8, {"--set", "compute.slots={cpu = 2, \"cuda:0\" = 30}"});
  auto refused = run(resume("a", more));
  EXPECT_EQ(refused.code, 2) << refused.out << refused.err;
  EXPECT_TRUE(holds(refused.err, "slots")) << refused.err;
}

// Who trains on which kind of device is the coordinator's configuration, and
// neither its own devices nor how many slots a node has of which.
TEST_F(gpu_run_test, has_the_bits_of_one_process_where_nodes_bring_devices) {
  expect_code(run(start("alone", mixed)), 0);
  expect_code(run(start("all-on-gpu")), 0);
  ASSERT_NE(sha("alone"), sha("all-on-gpu"));
  for (const std::size_t nodes : {1, 2}) {
    const auto name = "over-" + std::to_string(nodes);
    auto options = mixed;
    options.insert(options.end(), {"--min-nodes", std::to_string(nodes)});
    coordination all{study_, name, options, gpu_tool()};
    std::vector<std::unique_ptr<process>> joined;
    for (std::size_t i = 0; i < nodes; ++i)
      joined.push_back(all.join("node-" + std::to_string(i)));

    EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
    for (auto& each : joined)
      EXPECT_EQ(each->wait().code, 0) << each->out() << each->err();

    EXPECT_EQ(sha(name), sha("alone"));
    for (const auto& each : all.left().all<facts::node_joined>())
      EXPECT_EQ(each.slots, 2u) << "one of each kind";
  }
}

TEST_F(gpu_run_test, runs_without_rounds) {
  study other{quick_fedbuff(6)};
  auto what = other.start(
      "a", {"--set", "compute.device=cuda", "--set", "client.epochs=1"});
  what.words[0] = gpu_tool();

  expect_code(run(what), 0);

  EXPECT_EQ(other.of("a").summary().at("version"), 6);
}

TEST_F(gpu_run_test, ends_soon_when_interrupted) {
  process it{start("a", endless())};
  ASSERT_TRUE(it.until([&] { return study_.of("a").last_published() > 1; }))
      << it.out() << it.err();
  it.signal(SIGINT);

  EXPECT_EQ(it.wait().code, 130) << it.out() << it.err();
  auto goal = rounds(study_.of("a").last_published() + 2);
  expect_code(run(resume("a", goal)), 0);
  expect_code(run(start("whole", goal)), 0);
  EXPECT_EQ(sha("a"), sha("whole"));
}

#ifdef TROUPE_GPU_IS_EMULATED

TEST_F(gpu_run_test, does_without_a_gpu_and_says_so) {
  auto what = start("auto", {"--set", "compute.device=auto"});
  what.environment["TROUPE_EMULATED_GPUS"] = "0";
  auto went = run(what);
  expect_code(went, 0);
  EXPECT_TRUE(holds(went.out + went.err, "no CUDA device"))
      << went.out << went.err;
  EXPECT_FALSE(holds(study_.of("auto").summary().at("fingerprint"), "cuda"));

  auto insists = start("cuda");
  insists.environment["TROUPE_EMULATED_GPUS"] = "0";
  auto refused = run(insists);
  EXPECT_EQ(refused.code, 2) << refused.out << refused.err;
  EXPECT_TRUE(holds(refused.err, "no CUDA device")) << refused.err;
  EXPECT_FALSE(study_.of("cuda").has("config.toml"));
}

// One of them sums what both have made.
TEST_F(gpu_run_test, has_one_gpus_bits_on_two) {
  expect_code(run(start("one", {"--set", "compute.slots=4"})), 0);
  auto what = start("two", {"--set", "compute.device=auto", "--set",
                               "compute.devices=[\"cuda:0\", \"cuda:1\"]",
                               "--set", "compute.slots=2"});
  what.environment["TROUPE_EMULATED_GPUS"] = "2";
  expect_code(run(what), 0);

  EXPECT_EQ(sha("two"), sha("one"));
}

TEST_F(gpu_run_test, says_what_did_not_fit) {
  auto what = start("a");
  what.environment["TROUPE_EMULATED_GPU_BYTES"] = "100000";
  auto went = run(what);
  EXPECT_EQ(went.code, 1) << went.out << went.err;
  EXPECT_TRUE(holds(went.err, "has no room for")) << went.out << went.err;
}

#endif

} // namespace

} // namespace troupe::tests
