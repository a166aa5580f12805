#include "runtime/cli/command.hpp"
#include "tests/runtime/record/written_run.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <sstream>

namespace troupe::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using tests::rows_of;

class compare_test : public testing::Test {
protected:
  struct answer {
    int code = -1;
    std::string out;
    std::string err;
  };

  std::string written(const std::string& name,
      const std::vector<double>& accuracies, configuration what = {}) {
    const auto root = scratch_ / name;
    tests::write_run(root, what, rows_of(accuracies));
    if (!accuracies.empty())
      tests::write_summary(root, accuracies.size() * 10, accuracies.size() * 50,
          2.0 * static_cast<double>(accuracies.size()));
    return root.string();
  }
  std::string plot() const { return (scratch_ / "plot.svg").string(); }
  std::string drawn() const {
    std::ifstream in{plot()};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  static answer troupe(std::vector<std::string> words) {
    words.insert(words.begin(), "compare");
    std::ostringstream out;
    std::ostringstream err;
    console to{out, err};
    auto code = act(words, to);
    return {code, out.str(), err.str()};
  }

  tests::scratch_directory scratch_;
};

TEST_F(compare_test, prints_a_line_a_run) {
  auto said = troupe({written("a", {0.5, 0.8, 0.7}),
      written("b", {0.2, 0.4, 0.6, 0.8}), "--no-svg"});

  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(said.out,
      "                                                                        "
      "             to accuracy 0.8000\n"
      "RUN  RULE    METHOD  MODEL  VERSIONS  UPDATES  SECONDS    LAST    BEST  "
      "AT VERSION  VERSIONS  UPDATES  SECONDS  RATIO\n"
      "a    fedavg  sgd     mlp          30      150     6.00  0.7000  0.8000  "
      "        20        20      100     4.00   1.00\n"
      "b    fedavg  sgd     mlp          40      200     8.00  0.8000  0.8000  "
      "        40        40      200     8.00   2.00\n"
      "\nTheir configurations are the same.\n");
}

TEST_F(compare_test, has_a_dash_for_what_was_never_reached) {
  auto said = troupe({written("a", {0.5, 0.8}), written("b", {0.6}), "--target",
      "0.8", "--no-svg"});

  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("0.6000          10         -        -      "
                                  "  -      -\n"));
}

TEST_F(compare_test, shows_one_run_alone) {
  auto said = troupe({written("a", {0.5, 0.8}), "--no-svg"});

  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, EndsWith("20      100     4.00   1.00\n"));
}

TEST_F(compare_test, shows_a_run_that_was_not_scored_yet) {
  auto said = troupe({written("a", {}), "--svg", plot()});

  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, StartsWith("RUN  RULE"));
  EXPECT_THAT(said.out, HasSubstr("note: a is unfinished; "));
  EXPECT_THAT(drawn(), HasSubstr("no value to draw"));
}

TEST_F(compare_test, tells_two_runs_of_one_name_apart) {
  auto said = troupe(
      {written("old/run", {0.5}), written("new/run", {0.6}), "--svg", plot()});

  EXPECT_THAT(said.out, HasSubstr("\nold/run  fedavg"));
  EXPECT_THAT(said.out, HasSubstr("\nnew/run  fedavg"));
  EXPECT_THAT(drawn(), HasSubstr(">old/run<"));
}

TEST_F(compare_test, shows_what_differs) {
  configuration other;
  other.run.seed = 7;
  auto said =
      troupe({written("a", {0.5}), written("b", {0.5}, other), "--no-svg"});

  EXPECT_THAT(said.out, EndsWith("\nWHAT DIFFERS  a  b\n"
                                 "run.seed      1  7\n"));
}

TEST_F(compare_test, prints_the_same_for_programs) {
  configuration other;
  other.client.lr = 0.5f;
  auto said = troupe({written("a", {0.5, 0.8}), written("b", {0.6}, other),
      "--json", "--target", "0.7", "--svg", plot()});
  auto told = nlohmann::json::parse(said.out);

  EXPECT_EQ(told.at("target"), 0.7);
  const auto& a = told.at("runs").at(0);
  EXPECT_EQ(a.at("name"), "a");
  EXPECT_EQ(a.at("directory"), (scratch_ / "a").string());
  EXPECT_EQ(a.at("rule"), "fedavg");
  EXPECT_EQ(a.at("outcome"), "completed");
  EXPECT_EQ(a.at("versions"), 20);
  EXPECT_EQ(a.at("updates"), 100);
  EXPECT_EQ(a.at("seconds"), 4.0);
  EXPECT_EQ(a.at("last").at("accuracy"), 0.8);
  EXPECT_EQ(a.at("best").at("version"), 20);
  EXPECT_EQ(a.at("reached").at("seconds"), 4.0);
  EXPECT_EQ(a.at("ratio"), 1.0);
  EXPECT_TRUE(told.at("runs").at(1).at("reached").is_null());
  EXPECT_TRUE(told.at("runs").at(1).at("ratio").is_null());
  EXPECT_EQ(
      told.at("differences"), (nlohmann::json{{"client.lr", {0.05, 0.5}}}));
  EXPECT_THAT(drawn(), StartsWith("<svg "));
}

TEST_F(compare_test, draws_over_its_own_plots_alone) {
  const auto a = written("a", {0.5});
  EXPECT_EQ(troupe({a, "--svg", plot()}).code, 0);
  EXPECT_EQ(troupe({a, a, "--svg", plot()}).code, 0);
  EXPECT_THAT(drawn(), HasSubstr(">2 runs<"));
  tests::write_text(plot(), "a year's work");

  auto said = troupe({a, "--svg", plot()});

  EXPECT_EQ(said.code, 2);
  EXPECT_EQ(said.out, "");
  EXPECT_EQ(said.err,
      "troupe: " + plot() +
          " is there and no comparison that Troupe drew; choose another file "
          "with --svg, or --no-svg\n");
  EXPECT_EQ(drawn(), "a year's work");
  EXPECT_EQ(troupe({a, "--svg", "/dev/null"}).code, 2);
}

TEST_F(compare_test, names_every_directory_that_tells_nothing) {
  const auto none = (scratch_ / "none").string();
  const auto torn = written("torn", {0.5});
  tests::write_text(scratch_ / "torn" / "config.toml", "");
  const auto blank = written("blank", {0.5});
  std::filesystem::remove(scratch_ / "blank" / "history.csv");

  auto said = troupe({none, torn, written("a", {0.5}), blank, "--svg", plot()});

  EXPECT_EQ(said.code, 2);
  EXPECT_EQ(said.out, "");
  EXPECT_THAT(said.err,
      HasSubstr("troupe: there is no run in " + none + " to compare\n"));
  EXPECT_THAT(said.err, HasSubstr("troupe: " + torn + "/config.toml is torn"));
  EXPECT_THAT(said.err, HasSubstr("troupe: " + blank + "/history.csv is "));
  EXPECT_FALSE(std::filesystem::exists(plot()));
  EXPECT_EQ(troupe({torn, "--no-svg"}).code, 1);
  EXPECT_EQ(troupe({blank, "--no-svg"}).code, 1);
}

TEST_F(compare_test, refuses_what_makes_no_sense) {
  const auto a = written("a", {0.5});
  auto refused = [&](std::vector<std::string> words) {
    words.insert(words.begin(), a);
    auto said = troupe(words);
    EXPECT_EQ(said.code, 2);
    return said.err.substr(0, said.err.find(';'));
  };

  for (const std::string bad : {"80", "0", "-0.5", "nan", "0.5x", ""})
    EXPECT_EQ(refused({"--target", bad}),
        "troupe: --target " + bad + " is not an accuracy from above 0 to 1");
  EXPECT_EQ(refused({"--svg", "x.svg", "--no-svg"}),
      "troupe: --svg and --no-svg exclude each other");
  EXPECT_EQ(refused({"--svg", ""}), "troupe: --svg needs the name of a file");
  EXPECT_THAT(troupe({}).err, HasSubstr("compare needs DIR [DIR...]"));
}

} // namespace
} // namespace troupe::cli
