#include "gpu/device.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/topology.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

namespace troupe::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct answer {
  int code = -1;
  std::string out;
  std::string err;
};

answer troupe(const std::vector<std::string>& words) {
  std::ostringstream out;
  std::ostringstream err;
  console to{out, err};
  auto code = act(words, to);
  return {code, out.str(), err.str()};
}

class cli_test : public testing::Test {
protected:
  std::string file(const std::string& name, const std::string& text) {
    auto path = (scratch_ / name).string();
    std::ofstream{path} << text;
    return path;
  }
  std::string small() {
    return file("small.toml", R"([run]
name = "small"
[data]
set = "synthetic"
[model]
kind = "softmax"
[federation]
clients = 6
fraction = 0.5
)");
  }

  tests::scratch_directory scratch_;
};

TEST_F(cli_test, lists_its_commands_when_asked_nothing_and_fails) {
  auto said = troupe({});

  EXPECT_EQ(said.code, 2);
  for (auto name : {"run", "evaluate", "check", "audit", "compare", "certs",
           "topology", "bench", "backends", "devices", "version"})
    EXPECT_THAT(said.err, HasSubstr(std::string{"\n  "} + name + " "));
}

TEST_F(cli_test, helps_with_every_command) {
  for (const auto& each : commands()) {
    auto said = troupe({std::string{each.name}, "--help"});

    EXPECT_EQ(said.code, 0);
    EXPECT_THAT(said.out, HasSubstr("Usage: troupe " + std::string{each.name}));
    EXPECT_THAT(said.out, HasSubstr("--help"));
    EXPECT_THAT(said.out, HasSubstr("130  interrupted"));
    EXPECT_EQ(troupe({"help", std::string{each.name}}).out, said.out);
  }
}

TEST_F(cli_test, lists_every_key_in_the_help_of_run) {
  auto said = troupe({"run", "-h"});

  EXPECT_THAT(said.out, HasSubstr("client.lr = 0.05"));
  EXPECT_THAT(said.out, HasSubstr("compute.slots = \"auto\""));
}

TEST_F(cli_test, keeps_its_help_within_100_columns) {
  for (const auto& each : commands()) {
    std::istringstream lines{help(each)};
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST_F(cli_test, guesses_which_command_was_meant) {
  auto said = troupe({"rnu"});

  EXPECT_EQ(said.code, 2);
  EXPECT_EQ(said.err, "troupe: there is no command rnu (did you mean run?); "
                      "see `troupe --help`\n");
}

TEST_F(cli_test, guesses_which_option_was_meant) {
  auto said = troupe({"run", "--resum"});

  EXPECT_EQ(said.code, 2);
  EXPECT_EQ(said.err, "troupe: there is no option --resum (did you mean "
                      "--resume?); see `troupe run --help`\n");
}

TEST_F(cli_test, refuses_a_command_line_that_makes_no_sense) {
  auto refused = [](const std::vector<std::string>& words) {
    auto said = troupe(words);
    EXPECT_EQ(said.code, 2);
    return said.err.substr(0, said.err.find(';'));
  };

  EXPECT_EQ(refused({"run"}), "troupe: run needs CONFIG.toml");
  EXPECT_EQ(refused({"check"}), "troupe: check needs CONFIG.toml");
  EXPECT_EQ(refused({"check", "a", "b"}),
      "troupe: check does not know what to do with b");
  EXPECT_EQ(refused({"run", "a", "--out"}), "troupe: --out needs its DIR");
  EXPECT_EQ(
      refused({"run", "a", "--quiet=yes"}), "troupe: --quiet takes no value");
  EXPECT_EQ(refused({"run", "a", "-q"}), "troupe: there is no option -q");
  EXPECT_EQ(refused({"run", "a", "--seed", "-1"}),
      "troupe: --seed -1 is not a whole number from 0 to 9007199254740992");
  EXPECT_EQ(refused({"run", "a", "--seed", "007"}),
      "troupe: --seed 007 is not a whole number from 0 to 9007199254740992 "
      "(did you mean 7?)");
  EXPECT_EQ(refused({"run", "a", "--seed", "9223372036854775807"}),
      "troupe: --seed 9223372036854775807 is not a whole number from 0 to "
      "9007199254740992");
  EXPECT_EQ(refused({"run", "a", "--seed", "9007199254740993"}),
      "troupe: --seed 9007199254740993 is not a whole number from 0 to "
      "9007199254740992");
  EXPECT_EQ(refused({"run", "a", "--metrics", ""}),
      "troupe: --metrics needs HOST:PORT, like 127.0.0.1:9464");
  EXPECT_EQ(refused({"run", "a", "--resume"}),
      "troupe: --resume needs --out DIR, the run to go on with");
  EXPECT_EQ(refused({"run", "a", "--log", "warn"}),
      "troupe: there is no option --log");
  EXPECT_THAT(refused({"run", "a", "--metrics", "nowhere"}),
      StartsWith("troupe: --metrics nowhere: "));
}

TEST_F(cli_test, tells_every_problem_of_a_configuration) {
  auto bad = file("bad.toml", "[run]\nsede = 1\n[client]\nlr = -1\n");

  auto said = troupe({"check", bad});

  EXPECT_EQ(said.code, 2);
  EXPECT_EQ(said.out, "");
  EXPECT_EQ(said.err, bad + ":2: run.sede is not a key (did you mean seed?)\n" +
                          bad +
                          ":4: client.lr = -1 is not a number from above 0 to "
                          "3.4028235e+38\n");
  EXPECT_EQ(troupe({"run", bad}).err, said.err);
}

TEST_F(cli_test, fails_when_its_answer_cannot_be_written) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"version"}, {"--help"}, {"run", "--help"}, {"check", small()}}) {
    std::ostream nowhere{nullptr};
    std::ostringstream err;
    console to{nowhere, err};

    EXPECT_EQ(act(words, to), 1);
    EXPECT_EQ(err.str(), "troupe: the answer could not be written\n");
  }
}

TEST_F(cli_test, refuses_what_no_memory_holds_before_it_is_made) {
  auto config = small();
  auto refused = [&](const std::vector<std::string>& settings) {
    std::vector<std::string> words{"check", config};
    for (const auto& each : settings)
      words.insert(words.end(), {"--set", each});
    auto said = troupe(words);
    EXPECT_EQ(said.code, 2);
    return said.err;
  };

  EXPECT_THAT(refused({"federation.clients=16000000"}),
      testing::MatchesRegex("--set: federation.clients = 16000000: their "
                            "synthetic data takes about [0-9]+ GiB of memory; "
                            "this machine has [0-9]+ GiB\n"));
  EXPECT_THAT(refused({"model.kind=mlp", "model.layers=[60, 16777216, "
                                         "16777216, 10]"}),
      testing::MatchesRegex("--set: model.layers: a model of 28147[0-9]+ "
                            "parameters on [0-9]+ slots? takes about .*\n"));
  auto scored = troupe({"evaluate", "none", config, "--set", "model.kind=mlp",
      "--set", "model.layers=[60, 16777216, 16777216, 10]"});
  EXPECT_THAT(scored.err, StartsWith("none: cannot open"));
}

TEST_F(cli_test, sums_up_a_sound_configuration) {
  auto config = small();

  auto said = troupe({"check", config, "--seed", "5", "--labels", "--out",
      scratch_.path().string()});

  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, StartsWith(config + ": ok\n  clients     6, 3 a round\n"
                                            "  samples     min "));
  EXPECT_THAT(said.out, HasSubstr("  model       softmax, 610 parameters\n"));
  EXPECT_THAT(said.out, HasSubstr("\n client  samples |      0"));
  EXPECT_EQ(said.err, "");
}

TEST_F(cli_test, checks_what_the_configuration_names) {
  auto config = small();
  auto refused = [&](const std::string& setting) {
    auto said = troupe({"check", config, "--set", setting});
    EXPECT_EQ(said.code, 2);
    EXPECT_EQ(said.out, "");
    return said.err;
  };

  EXPECT_EQ(refused("model.kind=lenet5"),
      "--set: model.kind = \"lenet5\" is for samples of 1 x 28 x 28, but the "
      "data's are 60\n");
  EXPECT_THAT(refused("model.init=" + (scratch_ / "none").string()),
      HasSubstr("none: cannot open: No such file or directory"));
  EXPECT_THAT(refused("data.set=idx"), HasSubstr("needs data.path"));
}

TEST_F(cli_test, checks_that_the_directory_can_be_made) {
  auto config = small();

  auto said = troupe({"check", config, "--out", config + "/deeper"});

  EXPECT_EQ(said.code, 2);
  EXPECT_EQ(said.err,
      config + " is not a directory; choose another directory with --out\n");
}

TEST_F(cli_test, checks_that_the_directory_holds_no_run) {
  auto config = small();
  file("facts.jsonl", "");

  auto said = troupe({"check", config, "--out", scratch_.path().string()});

  EXPECT_EQ(said.code, 2);
  EXPECT_EQ(said.err, scratch_.path().string() +
                          " holds a run already; choose another directory with "
                          "--out\n");
}

TEST_F(cli_test, fits_layers_that_nobody_chose_to_the_data) {
  auto config = file("default.toml", "[data]\nset = \"synthetic\"\n");
  auto own = file("own.toml",
      "[data]\nset = \"synthetic\"\n[model]\nlayers = [784, 200, 200, 10]\n");

  auto read = read_configuration(config);
  auto fitted = from(read.value, read.where);
  auto said = troupe({"check", own, "--out", (scratch_ / "run").string()});

  EXPECT_THAT(
      fitted.config().model.layers, testing::ElementsAre(60, 200, 200, 10));
  EXPECT_THAT(fitted.problems(read.where), testing::IsEmpty());
  EXPECT_EQ(said.code, 2);
  EXPECT_EQ(said.err, own + ":4: model.layers begins with 784, but a sample "
                            "has 60 values\n");
}

TEST_F(cli_test, scores_a_stored_model) {
  auto config = small();
  auto model = (scratch_ / "model.safetensors").string();
  auto what = from(read_configuration(config).value);
  gpu::buffer parameters{610};
  std::fill_n(parameters.span().data(), 610, 0.0f);
  auto layout = models::layout(*what.model());
  write_model(files::system(), model, layout, parameters.span());

  auto text = troupe({"evaluate", model, config});
  auto json =
      nlohmann::json::parse(troupe({"evaluate", model, config, "--json"}).out);

  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, StartsWith("loss 2.3026, accuracy 0."));
  EXPECT_NEAR(json.at("loss"), std::log(10.0), 1e-6);
  EXPECT_EQ(json.at("samples"), what.test_data().size());
}

// Python's library sorts tensors by name.
TEST_F(cli_test, scores_a_model_whose_tensors_are_in_another_order) {
  auto config = small();
  auto layout = models::layout(*from(read_configuration(config).value).model());
  ASSERT_EQ(layout.size(), 2u);
  gpu::buffer parameters{610};
  for (std::size_t i = 0; i < 610; ++i)
    parameters.span()[i] = 0.001f * static_cast<float>(i % 37);
  auto ours = (scratch_ / "ours.safetensors").string();
  write_model(files::system(), ours, layout, parameters.span());
  gpu::layout sorted;
  gpu::append(sorted, layout[1].name, layout[1].shape);
  gpu::append(sorted, layout[0].name, layout[0].shape);
  std::rotate(parameters.span().begin(), parameters.span().begin() + 600,
      parameters.span().end());
  auto theirs = (scratch_ / "theirs.safetensors").string();
  write_model(files::system(), theirs, sorted, parameters.span());

  auto score = [&](const std::string& model) {
    auto said = troupe({"evaluate", model, config});
    EXPECT_EQ(said.code, 0) << said.err;
    return said.out;
  };

  EXPECT_EQ(score(theirs), score(ours));
  EXPECT_THAT(score(ours), HasSubstr("\nmodel_sha256 "));
}

TEST_F(cli_test, refuses_a_model_that_is_not_finite) {
  auto config = small();
  auto layout = models::layout(*from(read_configuration(config).value).model());
  gpu::buffer parameters{610};
  std::fill(parameters.span().begin(), parameters.span().end(), 0.0f);
  parameters.span()[605] = std::numeric_limits<float>::quiet_NaN();
  auto model = (scratch_ / "model.safetensors").string();
  write_model(files::system(), model, layout, parameters.span());

  for (auto verb : {"check", "run"}) {
    auto out = (scratch_ / "run").string();
    auto said =
        troupe({verb, config, "--set", "model.init=" + model, "--out", out});

    EXPECT_EQ(said.code, 2);
    EXPECT_EQ(said.err, "--set: model.init has nan as value 5 of tensor "
                        "\"fc1.bias\"; training starts from finite values "
                        "alone\n");
    EXPECT_FALSE(std::filesystem::exists(out));
  }
}

TEST_F(cli_test, says_what_is_wrong_with_a_stored_model) {
  auto config = small();
  auto broken = file("broken.safetensors", "short");

  auto said = troupe({"evaluate", broken, config});

  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, StartsWith(broken + ": byte 5: expected"));
}

TEST_F(cli_test, shows_a_topology_as_a_tree_and_as_a_graph) {
  auto config = small();

  auto tree = troupe({"topology", config, "--set", "compute.slots=3"});
  auto dot = troupe({"topology", config, "--dot"});

  EXPECT_EQ(tree.code, 0);
  EXPECT_THAT(tree.out, StartsWith("small: fedavg, 6 clients, 3 a round, on 3 "
                                   "compute slots\n"));
  EXPECT_EQ(dot.code, 0);
  EXPECT_THAT(dot.out, StartsWith("digraph troupe {"));
}

TEST_F(cli_test, shows_devices_for_people_and_programs) {
  auto text = troupe({"devices"});
  auto list = nlohmann::json::parse(troupe({"devices", "--json"}).out);

  EXPECT_THAT(text.out, StartsWith("cpu "));
  EXPECT_EQ(list.at(0).at("device"), "cpu");
  EXPECT_GE(list.at(0).at("slots"), 1);
}

TEST_F(cli_test, shows_every_gpu_or_why_there_is_none) {
  auto text = troupe({"devices"});
  auto json = troupe({"devices", "--json"});
  auto list = nlohmann::json::parse(json.out);

  EXPECT_EQ(list.size(), gpu::devices().size());
  if (list.size() == 1) {
    EXPECT_THAT(text.out, HasSubstr("\nno GPU   " + gpu::why_no_gpu() + "\n"));
    EXPECT_EQ(json.err, "no GPU: " + gpu::why_no_gpu() + "\n");
  }
  for (const auto& each : list)
    EXPECT_EQ(each.contains("capability"), each.at("device") != "cpu");
}

TEST_F(cli_test, refuses_to_check_devices_that_are_not_here) {
  auto config = small();

  auto said = troupe({"check", config, "--set", "compute.device=cuda:63"});

  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("compute.device = \"cuda:63\" asks for "
                                  "cuda:63, which is not here: "));
}

TEST_F(cli_test, shows_its_version_and_fingerprint) {
  auto said = troupe({"version"});

  EXPECT_EQ(said.code, 0);
  EXPECT_THAT(said.out, StartsWith("troupe "));
  EXPECT_THAT(said.out, HasSubstr("fingerprint "));
  EXPECT_EQ(troupe({"--version"}).out, said.out);
}

} // namespace
} // namespace troupe::cli
