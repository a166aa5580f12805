// A mesh over several processes, whose nodes come, leave, fall silent and die:
// the same bits as in one.
#include <chrono>
#include <csignal>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/random.hpp"
#include "tests/integration/coordination.hpp"
#include "tests/runtime/data/idx_content.hpp"

namespace troupe::tests {

namespace {

using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr std::uint32_t width = 6;

/// Samples of three classes that can be told apart, in a directory.
void draw_samples(const std::filesystem::path& to, std::uint32_t count) {
  for (const std::string part : {"train", "t10k"}) {
    gpu::random_stream random{count, gpu::stream::user, part.size()};
    std::string features, labels;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto label = random.below(3);
      labels += static_cast<char>(label);
      for (std::uint32_t j = 0; j < width; ++j)
        features +=
            static_cast<char>(random.below(100) + (j % 3 == label ? 120 : 0));
    }
    std::filesystem::create_directories(to);
    write(to / (part + "-images"), idx_bytes({count, 1, width}, features));
    write(to / (part + "-labels"), idx_bytes({count}, labels));
  }
}

std::string configuration(const std::string& data, std::uint64_t steps) {
  return fmt::format(R"([run]
name = "mesh"
steps = {}
evaluate_every = 200
checkpoint_every = 100
[data]
set = "idx"
path = "{}"
[model]
kind = "mlp"
layers = [{}, 16, 3]
[parallel]
workers = 4
batch = 32
micro_batches = 8
wire = "tcp"
[optimiser]
kind = "adamw"
lr = 0.01
clip = 1.0
[compute]
device = "cpu"
slots = 1
)",
      steps, data, width);
}

/// A mesh of four ranks, of which the coordinator has as many as its slots.
class mesh_nodes_test : public testing::Test {
protected:
  static study of(std::uint64_t steps) {
    return study{configuration(samples().string(), steps)};
  }
  static const std::filesystem::path& samples() {
    static const scratch_directory place;
    static const auto path = [] {
      draw_samples(place / "samples", 96);
      return std::filesystem::path{place / "samples"};
    }();
    return path;
  }

  static std::string undisturbed(const study& what) {
    expect_code(run(what.start("undisturbed")), 0);
    return what.of("undisturbed").model_sha256();
  }

  static words with(std::size_t slots, words more = {}) {
    more.insert(more.end(), {"--set", fmt::format("compute.slots={}", slots)});
    return more;
  }

  static std::unique_ptr<process> join(const coordination& at,
      const std::string& name, std::size_t ranks = 1, words more = {}) {
    words all{
        "join", at.at(), "--name", name, "--slots", std::to_string(ranks)};
    all.insert(all.end(), more.begin(), more.end());
    return std::make_unique<process>(troupe(all));
  }

  /// Steps that a composition of so many ranks has made, of epochs behind
  /// `epoch`.
  static std::uint64_t steps_of(
      const record& left, std::uint64_t ranks, std::uint64_t epoch = 0) {
    std::uint64_t result = 0;
    for (const auto& one : left.all<facts::stepped>())
      if (one.ranks == ranks && one.epoch > epoch)
        result += one.last - one.first;
    return result;
  }
  static std::uint64_t epoch_of(const record& left) {
    const auto all = left.all<facts::mesh_formed>();
    return all.empty() ? 0 : all.back().epoch;
  }
  static bool makes_steps(process& who, const record& left, std::uint64_t ranks,
      std::uint64_t steps = 1, std::uint64_t epoch = 0) {
    return who.until([&] { return steps_of(left, ranks, epoch) >= steps; });
  }
  static void expect_the_end(process& who) {
    EXPECT_EQ(who.wait().code, 0) << who.out() << who.err();
  }
};

struct spread {
  std::size_t here = 0;
  std::vector<std::size_t> nodes;
};

TEST_F(mesh_nodes_test, makes_the_bits_of_one_process) {
  const auto what = of(60);
  const auto expected = undisturbed(what);
  const std::vector<spread> all{{2, {2}}, {1, {1, 1, 1}}, {0, {1, 3}}};
  for (const std::string wire : {"auto", "memory", "tcp"})
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto name = fmt::format("{}-{}", wire, i);
      coordination run{
          what, name, with(all[i].here, {"--set", "parallel.wire=" + wire})};
      std::vector<std::unique_ptr<process>> nodes;
      for (std::size_t n = 0; n < all[i].nodes.size(); ++n)
        nodes.push_back(join(run, fmt::format("node-{}", n), all[i].nodes[n]));

      expect_the_end(run.coordinator());
      for (auto& each : nodes)
        expect_the_end(*each);

      EXPECT_EQ(run.left().model_sha256(), expected) << name;
      EXPECT_EQ(steps_of(run.left(), 4), 60u);
      EXPECT_EQ(
          run.left().all<facts::node_joined>().size(), all[i].nodes.size());
    }
}

TEST_F(mesh_nodes_test, makes_the_same_bits_under_tls) {
  const auto what = of(60);
  const auto expected = undisturbed(what);
  const std::string certs = what / "certs";
  expect_code(run(troupe({"certs", "init", certs})), 0);
  for (const std::string name : {"alpha", "beta"})
    expect_code(run(troupe({"certs", "issue", certs, name})), 0);
  coordination all{
      what, "tls", with(2, {"--tls", certs, "--set", "parallel.wire=tcp"})};
  auto alpha = join(all, "alpha", 1, {"--tls", certs});
  auto beta = join(all, "beta", 1, {"--tls", certs});

  expect_the_end(all.coordinator());
  expect_the_end(*alpha);
  expect_the_end(*beta);

  EXPECT_EQ(all.left().model_sha256(), expected);
}

// A death is known at once, and nothing that was made is made again.
TEST_F(mesh_nodes_test, goes_on_with_the_same_bits_when_nodes_are_killed) {
  const auto what = of(2'000);
  const auto expected = undisturbed(what);
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    gpu::random_stream random{seed, gpu::stream::user, 0};
    const auto name = fmt::format("killed-{}", seed);
    coordination all{what, name,
        with(seed % 2, {"--set", seed < 4 ? "parallel.wire=tcp"
                                          : "parallel.wire=memory"})};
    std::vector<std::unique_ptr<process>> nodes;
    for (std::size_t n = 0; n < (seed % 2 ? 3 : 4); ++n)
      nodes.push_back(join(all, fmt::format("node-{}", n)));
    ASSERT_TRUE(
        makes_steps(all.coordinator(), all.left(), 4, 1 + random.below(800)))
        << all.coordinator().err();

    const auto before = epoch_of(all.left());
    const auto died = steady_clock::now();
    nodes[random.below(nodes.size())]->signal(SIGKILL);

    ASSERT_TRUE(makes_steps(all.coordinator(), all.left(), 3, 1, before));
    EXPECT_LT(steady_clock::now() - died, std::chrono::seconds{5});
    expect_the_end(all.coordinator());
    EXPECT_EQ(all.left().model_sha256(), expected) << name;
    EXPECT_EQ(all.left().all<facts::rank_lost>().size(), 1u);
  }
}

TEST_F(mesh_nodes_test, does_without_a_node_that_is_silent) {
  const auto what = of(2'000);
  const auto expected = undisturbed(what);
  coordination all{what, "silent", with(2, {"--silence", "1"})};
  auto alpha = join(all, "alpha");
  auto beta = join(all, "beta");
  ASSERT_TRUE(makes_steps(all.coordinator(), all.left(), 4, 100));

  const auto before = epoch_of(all.left());
  const auto silent = steady_clock::now();
  alpha->signal(SIGSTOP);

  ASSERT_TRUE(makes_steps(all.coordinator(), all.left(), 3, 1, before));
  EXPECT_LT(steady_clock::now() - silent, std::chrono::seconds{6});
  alpha->signal(SIGCONT);
  expect_the_end(all.coordinator());
  expect_the_end(*beta);
  EXPECT_EQ(all.left().model_sha256(), expected);
}

TEST_F(mesh_nodes_test, takes_in_a_node_that_comes_late) {
  const auto what = of(2'000);
  const auto expected = undisturbed(what);
  coordination all{what, "late",
      with(2, {"--patience", "0.2", "--after-patience", "go-on"})};
  ASSERT_TRUE(makes_steps(all.coordinator(), all.left(), 2, 50));

  auto alpha = join(all, "alpha", 2);

  ASSERT_TRUE(makes_steps(all.coordinator(), all.left(), 4));
  expect_the_end(all.coordinator());
  expect_the_end(*alpha);
  EXPECT_EQ(all.left().model_sha256(), expected);
}

TEST_F(mesh_nodes_test, lets_nodes_leave) {
  const auto what = of(2'000);
  const auto expected = undisturbed(what);
  coordination all{what, "left", with(2)};
  auto alpha = join(all, "alpha");
  auto beta = join(all, "beta");
  ASSERT_TRUE(makes_steps(all.coordinator(), all.left(), 4, 100));

  const auto told = all.ask("status");
  EXPECT_THAT(told.out, HasSubstr("alpha"));
  expect_code(all.ask("drain", {"alpha"}), 0);
  EXPECT_EQ(alpha->wait().code, 0) << alpha->out() << alpha->err();
  beta->signal(SIGINT);
  EXPECT_EQ(beta->wait().code, 0) << beta->out() << beta->err();

  expect_the_end(all.coordinator());
  EXPECT_EQ(all.left().model_sha256(), expected);
  for (const auto& one : all.left().all<facts::node_left>())
    EXPECT_FALSE(one.lost) << one.name << ": " << one.why;
}

TEST_F(mesh_nodes_test, is_taken_up_with_nodes_that_dial_again) {
  const auto what = of(2'000);
  const auto expected = undisturbed(what);
  coordination all{what, "restarted", with(1)};
  std::vector<std::unique_ptr<process>> nodes;
  for (const std::string name : {"alpha", "beta", "gamma"})
    nodes.push_back(join(all, name));
  ASSERT_TRUE(all.coordinator().until(
      [&] { return !all.left().all<facts::stored>().empty(); }));

  all.coordinator().signal(SIGKILL);
  all.coordinator().wait();
  for (auto& each : nodes)
    ASSERT_TRUE(each->says("the coordinator is gone"));
  all.restart();

  expect_the_end(all.coordinator());
  for (auto& each : nodes)
    expect_the_end(*each);
  EXPECT_EQ(all.left().model_sha256(), expected);
}

TEST_F(mesh_nodes_test, waits_for_ranks_and_says_so) {
  const auto what = of(60);
  coordination all{what, "short", with(1, {"--patience", "3"})};
  auto alpha = join(all, "alpha");
  ASSERT_TRUE(alpha->says("takes part"));

  ASSERT_TRUE(all.coordinator().until([&] {
    return all.ask("status").out.find("ranks: 2 of 4 are there") !=
           std::string::npos;
  }));

  EXPECT_EQ(all.coordinator().wait().code, 1);
  EXPECT_THAT(all.coordinator().err(),
      HasSubstr("2 of 4 ranks are there, and no other has come"));
  EXPECT_EQ(alpha->wait().code, 1) << alpha->out();
}

TEST_F(mesh_nodes_test, says_what_it_cannot_take) {
  const auto what = of(60);
  coordination first{what, "first", with(1)};

  const auto taken =
      run(what.start("taken", with(1, {"--listen", first.at()})));
  const auto counted = run(what.start(
      "counted", with(1, {"--listen", "127.0.0.1:0", "--min-nodes", "2"})));

  EXPECT_EQ(taken.code, 1);
  EXPECT_THAT(taken.err, HasSubstr(first.at()));
  EXPECT_NE(counted.code, 0);
  EXPECT_THAT(counted.err, HasSubstr("parallel.workers"));
}

} // namespace
} // namespace troupe::tests
