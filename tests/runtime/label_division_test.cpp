#include "runtime/cli/command.hpp"
#include "runtime/data/splits.hpp"
#include "runtime/topology.hpp"
#include "tests/runtime/data/idx_content.hpp"
#include "tests/runtime/data/labelled.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sstream>
#include <string>
#include <vector>

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Data in files: 200 samples of ten labels to train on, 20 to test on.
class label_division_test : public testing::Test {
protected:
  label_division_test() {
    put("train", 200);
    put("t10k", 20);
  }

  void put(const std::string& part, std::uint32_t count) {
    std::string labels;
    for (std::uint32_t i = 0; i < count; ++i)
      labels += static_cast<char>(i % 10);
    write(part + "-images-idx3-ubyte",
        tests::idx_bytes({count, 1, 2}, std::string(2 * count, 'x')));
    write(part + "-labels-idx1-ubyte", tests::idx_bytes({count}, labels));
  }

  std::string write(const std::string& name, const std::string& content) {
    disk_.write_atomically(here_ / name, content);
    return (here_ / name).string();
  }

  std::string config(
      const std::string& keys, const std::string& clients = "6") {
    return fmt::format("[data]\nset = \"idx\"\npath = \"{}\"\n{}\n[model]\n"
                       "kind = \"softmax\"\n[federation]\nclients = {}\n",
        here_.path().string(), keys, clients);
  }

  static topology read(const std::string& text) {
    auto found = parse_configuration(text, "run.toml");
    EXPECT_THAT(found.problems, IsEmpty());
    return from(found.value, found.where);
  }

  topology composed(division (*how)(const samples&)) {
    auto set = data::idx(here_.path(), disk_);
    return topology{"composed"}
        .model(models::softmax(2, 10))
        .clients(6, {}, {}, how(set.train))
        .evaluate(set.test);
  }

  tests::scratch_directory here_;
  files disk_;
};

std::vector<std::uint32_t> shares(const topology& what) {
  auto clients = what.client_data();
  auto result = tests::indices_of(clients);
  for (auto size : tests::sizes_of(clients))
    result.push_back(static_cast<std::uint32_t>(size));
  return result;
}

TEST_F(label_division_test, is_the_same_from_a_file_and_from_a_program) {
  auto labels = read(config("partition = \"labels\"\nlabels_per_client = 3"));
  auto drawn = read(config("partition = \"label-dirichlet\"\nalpha = 2.0"));

  EXPECT_EQ(shares(labels),
      shares(composed([](const samples& of) { return data::labels(of, 3); })));
  EXPECT_EQ(shares(drawn), shares(composed([](const samples& of) {
    return data::label_dirichlet(of, 2.0);
  })));
  EXPECT_NE(shares(labels),
      shares(composed([](const samples& of) { return data::labels(of); })));
  EXPECT_NE(shares(drawn), shares(composed([](const samples& of) {
    return data::label_dirichlet(of);
  })));
}

TEST_F(label_division_test, follows_settings) {
  auto what = composed([](const samples& of) { return data::iid(of); });

  auto set = what.with({"data.partition=labels", "data.labels_per_client=3"});

  EXPECT_THAT(set.problems(), IsEmpty());
  EXPECT_EQ(shares(set),
      shares(composed([](const samples& of) { return data::labels(of, 3); })));
}

TEST_F(label_division_test, names_the_line_that_asks_for_too_much) {
  auto problems = [](const std::string& text) {
    auto found = parse_configuration(text, "run.toml");
    return from(found.value, found.where).problems(found.where);
  };

  EXPECT_THAT(
      problems(config("partition = \"labels\"\nlabels_per_client = 11")),
      ElementsAre("run.toml:4: data.partition = \"labels\": cannot give "
                  "clients 11 labels each: there are 10"));
  EXPECT_THAT(problems(config("partition = \"label-dirichlet\"", "21")),
      ElementsAre("run.toml:4: data.partition = \"label-dirichlet\": cannot "
                  "divide 200 samples among 21 clients with at least 10 each: "
                  "that is enough for 20 clients"));
  EXPECT_THAT(problems(config("partition = \"label-dirichlet\"")), IsEmpty());
}

TEST_F(label_division_test, counts_what_is_left_out) {
  auto what = read(config("partition = \"labels\"\nlabels_per_client = 1"));

  EXPECT_EQ(what.left_out(what.client_data()), 80u);
  what = what.with({"federation.clients=10"});
  EXPECT_EQ(what.left_out(what.client_data()), 0u);
  EXPECT_EQ(what.left_out({}), 0u) << "no client of its own";
}

TEST_F(label_division_test, is_checked) {
  auto file = write(
      "run.toml", config("partition = \"labels\"\nlabels_per_client = 1", "3"));
  auto check = [&](const std::string& clients) {
    std::ostringstream out;
    std::ostringstream err;
    cli::console to{out, err};
    cli::act(
        std::vector<std::string>{"check", file, "--set",
            "federation.clients=" + clients, "--out", (here_ / "out").string()},
        to);
    return out.str() + err.str();
  };

  EXPECT_THAT(check("3"),
      HasSubstr("  samples     min 20, median 20, max 20 a client; 140 of "
                "labels that no client has; 20 to test on\n"));
  EXPECT_THAT(check("10"),
      HasSubstr("  samples     min 20, median 20, max 20 a client; 20 to test "
                "on\n"));
}

} // namespace
} // namespace troupe
