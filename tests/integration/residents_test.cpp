// Nodes that are clients of a run, over data of their own: they come and go,
// and what they keep stays with them through any crash.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/random.hpp"
#include "gpu/training/dataset.hpp"
#include "protocols/state_name.hpp"
#include "runtime/record/checkpoint.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/topology.hpp"
#include "tests/integration/study.hpp"
#include "tests/runtime/data/idx_content.hpp"
#include "tests/support/counted_updates.hpp"

namespace troupe::tests {

namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::uint32_t width = 6;

/// Samples of three classes that can be told apart.
struct samples {
  std::string features;
  std::string labels;

  static samples drawn(std::uint64_t seed, std::uint32_t count) {
    gpu::random_stream random{seed, gpu::stream::user, 13};
    samples result;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto label = random.below(3);
      result.labels += static_cast<char>(label);
      for (std::uint32_t j = 0; j < width; ++j)
        result.features +=
            static_cast<char>(random.below(100) + (j % 3 == label ? 120 : 0));
    }
    return result;
  }

  std::uint32_t size() const { return std::uint32_t(labels.size()); }
  samples part(const training::view& of) const {
    samples result;
    for (std::size_t i = 0; i < of.size(); ++i) {
      result.features += features.substr(of.index(i) * width, width);
      result.labels += labels[of.index(i)];
    }
    return result;
  }
  void put(const fs::path& directory, const std::string& name) const {
    fs::create_directories(directory);
    write(directory / (name + "-images"),
        idx_bytes({size(), 1, width}, features));
    write(directory / (name + "-labels"), idx_bytes({size()}, labels));
  }
};

std::string configuration(
    const fs::path& data, std::uint64_t rounds, const std::string& clients) {
  return fmt::format(R"([run]
name = "ward"
rounds = {}
evaluate_every = 5
[data]
set = "idx"
path = "{}"
[model]
kind = "softmax"
[federation]
rule = "fedavg"
fraction = 1.0
{}
[client]
epochs = 3
lr = 0.1
[compute]
device = "cpu"
slots = 1
)",
      rounds, data.string(), clients);
}

/// A coordinator, and nodes that bring their own data.
class ward {
public:
  explicit ward(std::uint64_t rounds, const std::string& clients)
      : study_(configuration(data_ / "all", rounds, clients)) {
    all_.put(data_ / "all", "train");
    samples::drawn(2, 90).put(data_ / "all", "t10k");
  }

  /// What `count` placed clients would have, each in a directory of its own.
  void divide(std::uint64_t count) {
    auto read = read_configuration(study_.config());
    ASSERT_TRUE(read);
    read.value.federation.clients = count;
    read.value.federation.residents = false;
    const auto parts = from(read.value, read.where).client_data();
    for (std::size_t i = 0; i < parts.size(); ++i)
      all_.part(parts[i]).put(data_of(i), "train");
  }
  fs::path data_of(std::size_t client) const {
    return data_ / fmt::format("part-{}", client);
  }

  void open(words options = {}) {
    options.insert(options.begin(), {"--listen", "127.0.0.1:0"});
    listen(study_.start("run", std::move(options)));
  }
  void resume(words options = {}) {
    coordinator_.reset();
    options.insert(options.begin(), {"--listen", at_});
    listen(study_.resume("run", std::move(options)));
  }
  std::unique_ptr<process> join(
      const std::string& identity, const fs::path& data, words options = {}) {
    words all{"join", at_, "--identity", identity, "--data", data.string()};
    all.insert(all.end(), options.begin(), options.end());
    return std::make_unique<process>(troupe(all));
  }
  /// And waits until it takes part.
  std::unique_ptr<process> admitted(
      const std::string& identity, std::size_t part, words options = {}) {
    auto result = join(identity, data_of(part), std::move(options));
    EXPECT_TRUE(result->says("takes part")) << result->out() << result->err();
    return result;
  }
  void await_versions(version_id more) {
    const auto goal = left().last_published() + more;
    ASSERT_TRUE(coordinator_->until([&] {
      return left().last_published() >= goal;
    })) << coordinator_->out()
        << coordinator_->err();
  }
  /// Has it go on to a goal a little behind where it is, with both residents.
  void finish() {
    coordinator_->signal(SIGINT);
    ASSERT_EQ(coordinator_->wait().code, 130) << coordinator_->err();
    resume(rounds(left().last_published() + 3));
    auto seven = admitted("hospital-7", 0), nine = admitted("hospital-9", 1);
    EXPECT_EQ(coordinator_->wait().code, 0) << coordinator_->err();
    EXPECT_EQ(seven->wait().code, 0) << seven->out() << seven->err();
    EXPECT_EQ(nine->wait().code, 0) << nine->out() << nine->err();
    EXPECT_TRUE(left().all<facts::client_failed>().empty());
    expect_code(run(troupe({"audit", left().root()})), 0);
  }
  finished ask(words what) const {
    what.insert(what.begin() + 1, at_);
    return run(troupe(what));
  }

  process& coordinator() { return *coordinator_; }
  record left() const { return study_.of("run"); }
  const study& config() const { return study_; }
  fs::path operator/(const std::string& name) const { return data_ / name; }
  const std::string& at() const { return at_; }

private:
  void listen(const command& what) {
    coordinator_ = std::make_unique<process>(what);
    ASSERT_TRUE(coordinator_->says("nodes join at ")) << coordinator_->err();
    ASSERT_TRUE(coordinator_->says("\n"));
    const auto& out = coordinator_->out();
    const auto from = out.find("nodes join at ") + 14;
    at_ = out.substr(from, out.find('\n', from) - from);
  }

  scratch_directory data_;
  samples all_ = samples::drawn(1, 300);
  study study_;
  std::string at_;
  std::unique_ptr<process> coordinator_;
};

constexpr auto two_residents =
    "clients = 0\nresidents = true\nmin_residents = 2\n";

class residents_bits_test : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(by, residents_bits_test,
    testing::Values("sgd", "scaffold", "feddyn"),
    [](const auto& p) { return std::string{p.param}; });

TEST_P(residents_bits_test, are_those_of_placed_clients_with_the_same_samples) {
  const auto method = fmt::format("client.method={}", GetParam());
  ward placed{12, "clients = 3"};
  expect_code(run(placed.config().start("placed", {"--set", method})), 0);
  const auto expected = placed.config().of("placed").model_sha256();

  ward own{12, "clients = 0\nresidents = true\nmin_residents = 3\n"};
  own.divide(3);
  // What they make is scored there.
  own.open({"--set", "compute.slots=0", "--set", method});
  std::vector<std::unique_ptr<process>> nodes;
  for (std::size_t i = 0; i < 3; ++i)
    nodes.push_back(own.admitted(fmt::format("hospital-{}", i), i));

  EXPECT_EQ(own.coordinator().wait().code, 0) << own.coordinator().err();
  for (auto& each : nodes)
    EXPECT_EQ(each->wait().code, 0) << each->out() << each->err();
  EXPECT_EQ(own.left().model_sha256(), expected);
  const auto audited = run(troupe({"audit", own.left().root()}));
  expect_code(audited, 0);
  EXPECT_THAT(audited.out, HasSubstr("3 identities"));
  const auto again = run(troupe({"audit", own.left().root(), "--retrain"}));
  expect_code(again, 1);
  EXPECT_THAT(again.out, HasSubstr("a resident, whose data are not here"));
}

TEST(residents_test, come_and_go_without_stopping_a_round) {
  ward some{100'000, two_residents};
  some.divide(2);
  some.open();
  auto seven = some.admitted("hospital-7", 0);
  auto nine = some.admitted("hospital-9", 1);
  some.await_versions(4);
  const auto status = some.ask({"status"});
  expect_code(status, 0);
  EXPECT_THAT(status.out, HasSubstr("client 0, 150 samples"));

  seven->signal(SIGKILL);
  ASSERT_TRUE(some.coordinator().says("node hospital-7 is lost"));
  some.await_versions(6);
  auto again = some.admitted("hospital-7", 0);
  some.await_versions(6);
  EXPECT_EQ(some.left().all<facts::client_left>().size(), 1u);
  some.finish();

  for (const auto& each : some.left().all<facts::client_joined>())
    EXPECT_EQ(each.client, each.identity == "hospital-7" ? 0u : 1u);
  EXPECT_EQ(some.left().all<facts::client_joined>().size(), 5u);
}

TEST(residents_test, are_the_same_clients_of_a_coordinator_that_was_killed) {
  ward some{100'000, two_residents};
  some.divide(2);
  some.open();
  auto nine = some.admitted("hospital-9", 1);
  auto seven = some.admitted("hospital-7", 0);
  some.await_versions(6);

  some.coordinator().signal(SIGKILL);
  some.coordinator().wait();
  some.resume();
  some.await_versions(6);
  some.finish();

  for (const auto& each : some.left().all<facts::client_joined>())
    EXPECT_EQ(each.client, each.identity == "hospital-9" ? 0u : 1u);
  EXPECT_GE(some.left().all<facts::client_joined>().size(), 6u);
}

TEST(residents_test, are_refused_by_name_where_the_run_takes_none) {
  ward none{100'000, "clients = 3"};
  none.divide(3);
  none.open();

  auto one = none.join("hospital-7", none.data_of(0));

  EXPECT_EQ(one->wait().code, 1);
  EXPECT_THAT(one->err(), HasSubstr("hospital-7"));
  EXPECT_THAT(one->err(), HasSubstr("federation.residents = true"));
}

TEST(residents_test, are_refused_with_data_of_another_shape) {
  ward some{100'000, two_residents};
  some.open();
  const auto place = some / "others";
  fs::create_directories(place);
  write(place / "train-images", idx_bytes({2, 1, 2}, "abcd"));
  write(place / "train-labels", idx_bytes({2}, {"\0\1", 2}));

  auto one = some.join("hospital-7", place);

  EXPECT_EQ(one->wait().code, 1);
  EXPECT_THAT(one->err(), HasSubstr("1 x 1 x 2"));
  EXPECT_THAT(one->err(), HasSubstr("1 x 1 x 6"));
}

TEST(residents_test, are_what_a_run_without_clients_has_to_listen_for) {
  ward some{10, two_residents};

  const auto alone = run(some.config().start("alone"));

  expect_code(alone, 2);
  EXPECT_THAT(alone.err, HasSubstr("--listen"));
  expect_code(run(troupe({"check", some.config().config()})), 0);
}

// Neither by a coordinator that remembers, nor by one that was told.
TEST(residents_test, cannot_be_taken_over_by_another_key) {
  ward some{100'000, two_residents};
  some.divide(2);
  const std::string certs = some / "certs", stolen = some / "stolen";
  expect_code(run(troupe({"certs", "init", certs})), 0);
  expect_code(run(troupe({"certs", "issue", certs, "hospital-7"})), 0);
  expect_code(run(troupe({"certs", "issue", certs, "hospital-9"})), 0);
  fs::copy(certs, stolen);
  expect_code(
      run(troupe({"certs", "issue", stolen, "hospital-7", "--renew"})), 0);
  const words own{"--tls", certs}, other{"--tls", stolen};
  some.open(own);
  auto seven = some.admitted("hospital-7", 0, own);
  auto nine = some.admitted("hospital-9", 1, own);
  some.await_versions(4);

  auto thief = some.join("hospital-7", some.data_of(0), other);
  EXPECT_EQ(thief->wait().code, 1);
  EXPECT_THAT(thief->err(), HasSubstr("hospital-7"));
  EXPECT_THAT(thief->err(), HasSubstr("belongs to key"));

  some.coordinator().signal(SIGKILL);
  some.coordinator().wait();
  seven->signal(SIGKILL);
  seven->wait();
  some.resume(own);
  thief = some.join("hospital-7", some.data_of(0), other);
  EXPECT_EQ(thief->wait().code, 1);
  EXPECT_THAT(thief->err(), HasSubstr("belongs to key"));
  seven = some.admitted("hospital-7", 0, own);
  some.coordinator().signal(SIGINT);
  EXPECT_EQ(some.coordinator().wait().code, 130)
      << some.coordinator().out() << some.coordinator().err();
}

/// The program `counting`, whose clients count the updates of theirs that
/// count: ten of its own, and two residents.
class counting_ward {
public:
  counting_ward() {
    for (const auto* name : {"hospital-7", "hospital-9"}) {
      fs::create_directories(place_ / name);
      write(place_ / name / "train-images", idx_bytes({5, 1}, "abcde"));
      write(
          place_ / name / "train-labels", idx_bytes({5}, std::string(5, '\0')));
    }
  }

  void start(words more) {
    words all{TROUPE_COUNTING, "--out", place_ / "run", "--listen", at_};
    all.insert(all.end(), {"--set", "federation.residents=true", "--set",
                              "federation.min_residents=2"});
    all.insert(all.end(), more.begin(), more.end());
    coordinator_ = std::make_unique<process>(command{all});
    ASSERT_TRUE(coordinator_->says("nodes join at ")) << coordinator_->err();
    ASSERT_TRUE(coordinator_->says("\n"));
    const auto& out = coordinator_->out();
    const auto from = out.find("nodes join at ") + 14;
    at_ = out.substr(from, out.find('\n', from) - from);
  }
  std::unique_ptr<process> join(const std::string& identity, words more = {}) {
    words all{TROUPE_COUNTING, "--join", at_, "--identity", identity, "--data",
        place_ / identity, "--set", "federation.residents=true"};
    all.insert(all.end(), more.begin(), more.end());
    auto result = std::make_unique<process>(command{all});
    EXPECT_TRUE(result->says("takes part")) << result->out() << result->err();
    return result;
  }
  /// As the coordinator names it in a version, and the node has it.
  float counted_at(const std::string& identity, state_name name) const {
    const auto file = fmt::format("state-{:020}.safetensors", name);
    for (const auto& run : fs::directory_iterator{place_ / identity / "state"})
      if (fs::exists(run.path() / file)) {
        files disk;
        return read_model(disk, run.path() / file).values->span()[0];
      }
    ADD_FAILURE() << identity << " has no " << file;
    return -1;
  }
  /// That each counted what is in the last durable version.
  void expect_counted() const {
    files disk;
    const auto version = left().checkpoints().back();
    const auto stored = read_checkpoint(disk, left().checkpoint(version), {});
    const auto counted = counted_updates(left().standing(), version);
    ASSERT_EQ(stored.residents.size(), 2u);
    for (const auto& each : stored.residents) {
      const auto name = stored.states.of(each.client);
      ASSERT_EQ(bool(name), counted.contains(each.client));
      if (name)
        EXPECT_EQ(
            counted_at(each.identity, name.id), float(counted.at(each.client)))
            << each.identity << ", version " << version;
    }
  }

  process& coordinator() { return *coordinator_; }
  record left() const { return record{place_ / "run"}; }
  fs::path operator/(const std::string& name) const { return place_ / name; }
  version_id version() const {
    const auto all = left().checkpoints();
    return all.empty() ? 0 : all.back();
  }
  void await_version(version_id goal) {
    ASSERT_TRUE(coordinator_->until([&] { return version() >= goal; }))
        << coordinator_->out() << coordinator_->err();
  }

private:
  scratch_directory place_;
  std::string at_ = "127.0.0.1:0";
  std::unique_ptr<process> coordinator_;
};

class resident_states_test : public testing::TestWithParam<words> {};

TEST_P(resident_states_test, count_what_counts_through_every_kill) {
  counting_ward all;
  const auto with = [&](words more) {
    more.insert(more.end(), GetParam().begin(), GetParam().end());
    return more;
  };
  all.start(with(endless()));
  auto seven = all.join("hospital-7", GetParam());
  auto nine = all.join("hospital-9", GetParam());
  all.await_version(8);

  for (int i = 0; i < 2; ++i) {
    seven->signal(SIGKILL);
    seven->wait();
    seven = all.join("hospital-7", GetParam());
    all.await_version(all.version() + 5);

    all.coordinator().signal(SIGKILL);
    all.coordinator().wait();
    all.expect_counted();
    all.start(with(endless({"--resume"})));
    all.await_version(all.version() + 5);
  }
  all.coordinator().signal(SIGINT);
  EXPECT_EQ(all.coordinator().wait().code, 130);
  seven->wait();
  nine->wait();
  const auto goal = all.left().last_published() + 4;
  all.start(with(rounds(goal, {"--resume"})));
  seven = all.join("hospital-7", GetParam());
  nine = all.join("hospital-9", GetParam());

  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(seven->wait().code, 0) << seven->out() << seven->err();
  EXPECT_EQ(nine->wait().code, 0) << nine->out() << nine->err();
  all.expect_counted();
  const auto said = run(troupe({"audit", all / "run"}));
  expect_code(said, 0);
  EXPECT_THAT(said.out, HasSubstr("2 identities"));
  for (const auto& [client, updates] : counted_updates(all.left().standing()))
    EXPECT_GT(updates, 0u) << client;
}

INSTANTIATE_TEST_SUITE_P(under, resident_states_test,
    testing::Values(words{},
        words{"--set", "federation.rule=fedbuff", "--set",
            "federation.buffer=3", "--set", "federation.concurrency=6"}));

TEST(residents_test, are_told_when_their_states_are_gone) {
  counting_ward all;
  all.start(endless());
  auto seven = all.join("hospital-7");
  auto nine = all.join("hospital-9");
  all.await_version(8);
  seven->signal(SIGKILL);
  seven->wait();
  fs::remove_all(all / "hospital-7" / "state");

  auto again = all.join("hospital-7");

  EXPECT_EQ(again->wait().code, 1);
  EXPECT_THAT(
      again->out() + again->err(), HasSubstr("bring back what was there"));
  const auto then = all.version();
  all.await_version(then + 4);
  all.coordinator().signal(SIGINT);
  EXPECT_EQ(all.coordinator().wait().code, 130);
}

} // namespace

} // namespace troupe::tests
