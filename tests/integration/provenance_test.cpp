// A run goes on with the data and the parameters that it began with, wherever
// they lie, and with no others.
#include <algorithm>
#include <csignal>
#include <regex>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

namespace fs = std::filesystem;

// An IDX file of bytes.
std::string idx(std::vector<std::uint32_t> shape, const std::string& values) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (auto extent : shape)
    for (auto shift : {24, 16, 8, 0})
      bytes += static_cast<char>(extent >> shift);
  return bytes + values;
}

std::string pattern(std::size_t size, unsigned period) {
  std::string result;
  for (std::size_t i = 0; i < size; ++i)
    result += static_cast<char>((7 * i + i / 5) % period);
  return result;
}

constexpr auto train_images = "train-images-idx3-ubyte";
constexpr auto train_labels = "train-labels-idx1-ubyte";
constexpr auto test_images = "t10k-images-idx3-ubyte";
constexpr auto test_labels = "t10k-labels-idx1-ubyte";

/// Images of four pixels, three classes, and a run on them that was killed.
class provenance_test : public testing::Test {
protected:
  provenance_test() {
    fs::create_directory(data());
    write(data() / train_images, idx({60, 2, 2}, pattern(240, 251)));
    write(data() / train_labels, idx({60}, pattern(60, 3)));
    write(data() / test_images, idx({9, 2, 2}, pattern(36, 241)));
    write(data() / test_labels, idx({9}, pattern(9, 3)));
    std::string text = quick_fedavg(8);
    const std::string set = "set = \"synthetic\"";
    text.replace(text.find(set), set.size(),
        fmt::format("set = \"idx\"\npath = \"{}\"", data().string()));
    write(study_.config(), text);
  }

  fs::path data() const { return study_ / "data"; }
  record left() const { return study_.of("a"); }

  // Answers with a goal a little further on, to which "whole" has come.
  words be_killed(const words& options = {}) {
    auto what = with_fault(study_.start("a", endless(options)), "kill@17:sync");
    EXPECT_EQ(run(what).signal, SIGKILL);
    EXPECT_FALSE(left().checkpoints().empty());
    auto goal = rounds(left().last_published() + 3);
    auto all = options;
    all.insert(all.end(), goal.begin(), goal.end());
    expect_code(run(study_.start("whole", all)), 0);
    return goal;
  }

  void expect_refused(const std::string& said_of_it) {
    auto before = left().files();

    auto said = run(study_.resume("a", rounds(left().last_published() + 1)));

    expect_code(said, 2);
    EXPECT_TRUE(holds(said.err, said_of_it)) << said.err;
    EXPECT_TRUE(holds(said.err, "start it anew")) << said.err;
    EXPECT_EQ(left().files(), before);
  }

  void expect_resumable(const words& options) {
    expect_code(run(study_.resume("a", options)), 0);
    EXPECT_EQ(left().model_sha256(), study_.of("whole").model_sha256());
  }

  // As runs were before they told what they were trained on.
  void forget_what_it_was_trained_on() {
    for (auto version : left().checkpoints())
      fs::remove(left().checkpoint(version));
    static const std::regex told{",\"[a-z_]*_sha256\":\"[0-9a-f]*\""};
    write(
        left() / "facts.jsonl", std::regex_replace(left().journal(), told, ""));
  }

  study study_{quick_fedavg(8)};
};

TEST_F(provenance_test, refuses_other_labels) {
  auto goal = be_killed();
  auto labels = content(data() / train_labels);
  auto permuted = labels;
  std::reverse(permuted.begin() + 8, permuted.end());
  ASSERT_NE(permuted, labels);
  write(data() / train_labels, permuted);

  expect_refused("data.path: the labels differ from those the run was trained "
                 "on");

  write(data() / train_labels, labels);
  expect_resumable(goal);
}

TEST_F(provenance_test, refuses_other_samples) {
  be_killed();
  auto images = content(data() / train_images);
  images.back() = static_cast<char>(images.back() ^ 1);
  write(data() / train_images, images);

  expect_refused("data.path: the features differ from those the run was "
                 "trained on");
}

TEST_F(provenance_test, refuses_another_test_set) {
  be_killed();
  write(data() / test_labels, idx({9}, std::string(9, '\2')));

  expect_refused("data.path: the test set's labels differ");
}

TEST_F(provenance_test, tells_by_the_journal_where_nothing_was_stored) {
  be_killed();
  for (auto version : left().checkpoints())
    fs::remove(left().checkpoint(version));
  write(data() / train_labels, idx({60}, std::string(60, '\2')));

  expect_refused("data.path: the labels differ");
}

TEST_F(provenance_test, goes_on_with_data_that_was_moved) {
  auto goal = be_killed();
  auto elsewhere = study_ / "elsewhere";
  fs::rename(data(), elsewhere);
  goal.insert(goal.end(), {"--set", "data.path=" + elsewhere.string()});

  expect_resumable(goal);
}

TEST_F(provenance_test, goes_on_with_initial_parameters_that_were_moved) {
  expect_code(run(study_.start("first")), 0);
  auto init = study_ / "init.safetensors";
  fs::copy(study_.of("first") / "model.safetensors", init);
  auto goal = be_killed({"--set", "model.init=" + init.string()});
  auto elsewhere = study_ / "elsewhere.safetensors";
  fs::rename(init, elsewhere);
  goal.insert(goal.end(), {"--set", "model.init=" + elsewhere.string()});

  expect_resumable(goal);
}

TEST_F(provenance_test, refuses_other_initial_parameters) {
  expect_code(run(study_.start("first")), 0);
  auto init = study_ / "init.safetensors";
  fs::copy(study_.of("first") / "model.safetensors", init);
  be_killed({"--set", "model.init=" + init.string()});
  auto bytes = content(init);
  bytes[bytes.size() - 2] = static_cast<char>(bytes[bytes.size() - 2] ^ 1);
  write(init, bytes);

  expect_refused("model.init: the initial parameters differ from those the run "
                 "began with");
}

TEST_F(provenance_test, goes_on_where_nobody_noted_it_and_says_so) {
  auto goal = be_killed();
  forget_what_it_was_trained_on();

  auto said = run(study_.resume("a", goal));

  expect_code(said, 0);
  EXPECT_TRUE(holds(said.err, "does not tell which data")) << said.err;
  EXPECT_EQ(left().model_sha256(), study_.of("whole").model_sha256());
  said = run(study_.resume("a", goal));
  EXPECT_FALSE(holds(said.err, "does not tell which data")) << said.err;
}

// Then the path is all that can be compared.
TEST_F(provenance_test, goes_by_the_path_where_nobody_noted_it) {
  be_killed();
  forget_what_it_was_trained_on();
  auto elsewhere = study_ / "elsewhere";
  fs::rename(data(), elsewhere);

  auto said =
      run(study_.resume("a", {"--set", "data.path=" + elsewhere.string()}));

  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, "data.path was")) << said.err;
}

} // namespace

} // namespace troupe::tests
