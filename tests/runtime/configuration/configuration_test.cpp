#include "runtime/configuration/configuration.hpp"
#include "runtime/configuration/keys.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/servers.hpp"
#include "runtime/configuration/spelling.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <gmock/gmock.h>

#include <array>
#include <fstream>
#include <limits>

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> problems(
    std::string_view text, const std::vector<std::string>& settings = {}) {
  return parse_configuration(text, "run.toml", settings).problems;
}

TEST(configuration_test, is_all_defaults_when_a_file_says_nothing) {
  auto read = parse_configuration("", "run.toml");

  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_EQ(read.value, configuration{});
}

TEST(configuration_test, takes_every_key_from_a_file) {
  auto read = parse_configuration(R"(
[run]
name = "night"
seed = 7
rounds = 12
evaluate_every = 3
target_accuracy = 0.8
checkpoint_every = 2
keep_checkpoints = 5
[data]
set = "idx"
path = "mine"
partition = "shards"
shards_per_client = 4
[model]
kind = "mlp"
layers = [10, 5, 2]
init = "warm.safetensors"
[federation]
rule = "fedbuff"
clients = 50
weighting = "samples"
server_lr = 0.5
min_updates = 2
lease_seconds = 30
shards = 3
switch = ["version 3: buffer=4"]
regions = ["20: rule=fedavg rounds=2"]
buffer = 5
concurrency = 15
max_staleness = 4
[client]
epochs = 2
steps = 100
batch = 32
lr = 0.1
lr_decay = 0.99
momentum = 0.9
weight_decay = 0.0001
clip = 5.0
method = "fedprox"
mu = 0.1
[compute]
device = "cpu"
slots = 2
stop_grace = 0.5
precision = "bf16"
)",
      "run.toml");

  EXPECT_THAT(read.problems, IsEmpty());
  configuration expected;
  expected.run = {"night", 7, 12, 1000, 3, 0.8, 2, 5};
  expected.data = {"idx", "mine", "shards", 4, 2, 0.5, 0.5};
  expected.model = {"mlp", {10, 5, 2}, "warm.safetensors"};
  expected.federation.clients = 50;
  expected.federation.lease_seconds = 30.0;
  expected.federation.shards = 3;
  expected.federation.switches = {"version 3: buffer=4"};
  choose_server(expected, average{.lr = 0.5});
  choose_rule(expected, fedbuff{.buffer = 5,
                            .concurrency = 15,
                            .max_staleness = 4,
                            .weighting = "samples",
                            .min_updates = 2});
  expected.federation.regions = {"20: rule=fedavg rounds=2"};
  expected.client = {
      2, 100, 32, 0.1f, 0.99f, 0.9f, 0.0001f, 5.0f, "fedprox", 0.1f};
  expected.compute = {"cpu", {}, 2, 0.5, "bf16"};
  EXPECT_EQ(to_toml(read.value), to_toml(expected));
  EXPECT_EQ(read.value, expected);
  EXPECT_EQ(read.where.at("client.lr"), "run.toml:36");
}

TEST(configuration_test, names_file_line_key_and_what_was_meant) {
  auto found =
      problems("[run]\nseed = 1\n\n[data]\npartition = \"dirichet\"\n");

  EXPECT_THAT(found,
      ElementsAre("run.toml:5: data.partition = \"dirichet\" is not one of "
                  "iid, shards, dirichlet, quantity, labels, "
                  "label-dirichlet (did you mean dirichlet?)"));
}

TEST(configuration_test, tells_every_problem_of_a_file_in_its_order) {
  auto found = problems(R"(clients = 3
[run]
rounds = "fifty"
sed = 3
lr = 0.1
[dta]
x = 1
[model]
layers = [784]
kind = 3
[federation]
fraction = 0.0
clients = 1979-05-27
[client]
momentum = 1
lr = nan
steps = 1.5
batch = -1
colour = "blue"
)");

  EXPECT_THAT(found,
      ElementsAre("run.toml:1: clients stands in no section (did you mean "
                  "federation.clients?)",
          "run.toml:3: run.rounds = \"fifty\" is not a whole number from 1 to "
          "1000000000",
          "run.toml:4: run.sed is not a key (did you mean seed?)",
          "run.toml:5: run.lr is not a key (did you mean client.lr?)",
          "run.toml:6: [dta] is not a section (did you mean data?)",
          "run.toml:9: model.layers = [784] is not a list of 2 to 64 whole "
          "numbers, like [784, 200, 10]",
          "run.toml:10: model.kind = 3 is not one of softmax, mlp, lenet5, cnn",
          "run.toml:12: federation.fraction = 0.0 is not a number from above 0 "
          "to 1",
          "run.toml:13: federation.clients = 1979-05-27 is not a whole number "
          "from 0 to 16777216",
          "run.toml:15: client.momentum = 1 is not a number from 0 to below 1",
          "run.toml:16: client.lr = nan is not a number from above 0 to "
          "3.4028235e+38",
          "run.toml:17: client.steps = 1.5 is not a whole number from 0 to "
          "4000000000",
          "run.toml:18: client.batch = -1 is not a whole number from 0 to "
          "4000000000",
          "run.toml:19: client.colour is not a key; [client] has epochs, "
          "steps, batch, lr, lr_decay, momentum, weight_decay, clip, "
          "method, mu, alpha, seconds"));
}

TEST(configuration_test, names_the_line_that_is_no_toml) {
  auto found = problems("[run]\nseed = = 3\n");

  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found.front(), testing::StartsWith("run.toml:2: "));
}

TEST(configuration_test, refuses_a_section_whose_name_is_no_name) {
  for (auto text : {"[/", "[!]\n", "[[=]]", "[$x]\na = 3\n", "[", "[]"})
    EXPECT_THAT(
        problems(text), ElementsAre(testing::StartsWith("run.toml:1: ")))
        << text;
}

TEST(configuration_test, refuses_quotes_that_no_keyboard_has) {
  EXPECT_THAT(problems("[run]\nname = “fashion”\n"),
      ElementsAre("run.toml:2: “ stands outside quotes; text is written "
                  "\"so\""));
  EXPECT_THAT(problems("\xef\xbb\xbf[run] # “\nname = 'é'\n\"namé\" = 1\n"),
      ElementsAre(testing::StartsWith("run.toml:3: run.namé is not a key")));
  EXPECT_THAT(problems("[run]\nname = \"\"\"\\\n  [é \\\"\"\"\"\"\nseed = é\n"),
      ElementsAre(testing::StartsWith("run.toml:4: é stands")));
  EXPECT_THAT(problems("seed = 0\"\"\"é\"\"\""),
      ElementsAre(testing::StartsWith("run.toml:1: é stands")));
}

TEST(configuration_test, says_that_a_section_is_not_a_value) {
  EXPECT_THAT(problems("model = \"mlp\"\n"),
      ElementsAre("run.toml:1: model is a section: write [model] on its own "
                  "line"));
}

TEST(configuration_test, refuses_a_number_that_rounds_out_of_its_range) {
  EXPECT_THAT(problems("[client]\nmomentum = 0.99999999999\n"),
      ElementsAre("run.toml:2: client.momentum = 0.99999999999 rounds to 1, "
                  "which is not a number from 0 to below 1"));
}

TEST(configuration_test, shows_no_more_of_a_value_than_fits_a_line) {
  auto found = problems(
      "[run]\nrounds = \"" + std::string(500, 'x') + "\"\n[\"a\\nb\"]\n");

  ASSERT_EQ(found.size(), 2u);
  EXPECT_LT(found[0].size(), 200u);
  EXPECT_THAT(found[1], HasSubstr("[\"a\\u000Ab\"]"));
}

TEST(configuration_test, lets_settings_overrule_the_file) {
  auto read = parse_configuration("[client]\nlr = 0.5\n", "run.toml",
      std::vector<std::string>{"client.lr=0.25", "run.name=night",
          "model.layers=[4, 2]", "data.path=/some/where",
          "run.name=2024-01-01"});

  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_EQ(read.value.client.lr, 0.25f);
  EXPECT_EQ(read.value.run.name, "2024-01-01");
  EXPECT_THAT(read.value.model.layers, ElementsAre(4, 2));
  EXPECT_EQ(read.value.data.path, "/some/where");
  EXPECT_EQ(read.where.at("client.lr"), "--set");
}

TEST(configuration_test, explains_settings_that_it_cannot_take) {
  EXPECT_THAT(
      problems("", {"client.lr", "=1", "lr=1", "foo.bar=1", "cliet.lr=1",
                       "client.lr=fast", "client.rl=1", "run.seed=1\nx = 2"}),
      ElementsAre("--set client.lr: is not section.key=value, like "
                  "client.lr=0.1",
          "--set =1: is not section.key=value, like client.lr=0.1",
          "--set: lr is not a key (did you mean client.lr?)",
          "--set: foo.bar is not a key; the sections are run, data, model, "
          "federation, client, parallel, optimiser, clock, simulation, "
          "compute",
          "--set: cliet.lr is not a key (did you mean client.lr?)",
          "--set: client.lr = \"fast\" is not a number from above 0 to "
          "3.4028235e+38",
          "--set: client.rl is not a key (did you mean lr?)",
          "--set: run.seed = \"1\\u000Ax = 2\" is not a whole number from 0 "
          "to 9007199254740992"));
}

TEST(configuration_test, refuses_a_setting_that_no_file_could_hold) {
  EXPECT_THAT(problems("", {"data.path=\xff\xfe"}),
      ElementsAre("--set: data.path is not written in UTF-8"));
}

TEST(configuration_test, takes_settings_with_blanks_as_a_file_would) {
  auto read = parse_configuration("", "run.toml",
      std::vector<std::string>{
          "client.lr = 0.2", " run.name =\tmy run ", "data.path = \" here \""});

  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_EQ(read.value.client.lr, 0.2f);
  EXPECT_EQ(read.value.run.name, "my run");
  EXPECT_EQ(read.value.data.path, " here ");
}

// 2^53 + 1 has no double of its own.
TEST(configuration_test, knows_a_limit_from_the_number_behind_it) {
  auto most = parse_configuration("[run]\nseed = 9007199254740992\n", "a");

  EXPECT_THAT(most.problems, IsEmpty());
  EXPECT_EQ(most.value.run.seed, 9007199254740992u);
  EXPECT_THAT(problems("[run]\nseed = 9007199254740993\n"),
      ElementsAre("run.toml:2: run.seed = 9007199254740993 is not a whole "
                  "number from 0 to 9007199254740992"));
  configuration own;
  own.run.seed = 9007199254740993;
  EXPECT_THAT(contradictions(own), testing::SizeIs(1));
}

TEST(configuration_test, tells_each_rules_own_default_of_the_weighting) {
  auto help = describe_keys();
  auto at = help.find("federation.weighting");

  EXPECT_THAT(help.substr(at, help.find('\n', at) - at),
      testing::AllOf(HasSubstr("\"samples\""), HasSubstr("fedbuff: uniform")));
}

TEST(configuration_test, leaves_out_keys_of_what_is_not_in_use) {
  auto read = parse_configuration(
      "[federation]\nbuffer = 5\n[model]\nkind = \"cnn\"\nlayers = [784, 10]\n",
      "run.toml");
  ASSERT_TRUE(read.problems.empty());
  EXPECT_THAT(read.notes,
      UnorderedElementsAre("run.toml:2: federation.buffer is for "
                           "federation.rule = \"fedbuff\" alone; left out",
          "run.toml:5: model.layers is for model.kind = \"mlp\" alone; left "
          "out"));
  EXPECT_EQ(options_of<fedbuff>(read.value).buffer, fedbuff{}.buffer);

  // A file may have figures for several partitions.
  read = parse_configuration("[data]\nshards_per_client = 3\nalpha = 0.1\n"
                             "beta = 1\n",
      "run.toml");
  EXPECT_TRUE(read.problems.empty() && read.notes.empty());
}

TEST(configuration_test, brings_fedprox_into_the_recipe) {
  auto read = parse_configuration(
      "[client]\nmethod = \"fedprox\"\nmu = 0.1\n", "run.toml");

  ASSERT_THAT(read.problems, IsEmpty());
  EXPECT_EQ(read.value.client.method, "fedprox");
  EXPECT_EQ(read.value.client.pull(), 0.1f);
  EXPECT_EQ(parse_configuration(to_toml(read.value), "config.toml").value,
      read.value);
  EXPECT_THAT(
      differences(read.value, configuration{}), testing::Not(IsEmpty()));
}

TEST(configuration_test, brings_feddyn_into_the_recipe) {
  auto read = parse_configuration(
      "[client]\nmethod = \"feddyn\"\nalpha = 0.1\n", "run.toml");

  ASSERT_THAT(read.problems, IsEmpty());
  EXPECT_EQ(read.value.client.pull(), 0.1f);
  EXPECT_EQ(parse_configuration(to_toml(read.value), "config.toml").value,
      read.value);
  EXPECT_THAT(problems("[client]\nmethod = \"feddyn\"\nalpha = 0\n"),
      ElementsAre(
          HasSubstr("client.alpha = 0 is not a number from above 0 to")));
}

TEST(configuration_test, pulls_nobody_who_did_not_ask_for_fedprox) {
  auto read = parse_configuration("[client]\nmu = 0.1\n", "run.toml");

  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_THAT(read.notes,
      ElementsAre("run.toml:2: client.mu is for client.method = \"fedprox\" "
                  "alone; left out"));
  EXPECT_EQ(read.value, configuration{});
  EXPECT_EQ(read.value.client.pull(), 0.0f);
  EXPECT_THAT(problems("", {"client.mu=0.1"}),
      ElementsAre(HasSubstr("set client.method = \"fedprox\"")));
  EXPECT_THAT(problems("[client]\nmethod = \"fedporx\"\n"),
      ElementsAre(HasSubstr("(did you mean fedprox?)")));
  EXPECT_THAT(problems("[client]\nmethod = \"fedprox\"\nmu = -1\n"),
      ElementsAre(HasSubstr("client.mu = -1 is not a number from 0 to")));
}

TEST(configuration_test, refuses_settings_of_what_is_not_in_use) {
  EXPECT_THAT(problems("", {"federation.buffer=5"}),
      ElementsAre("--set: federation.buffer = 5 is for federation.rule = "
                  "\"fedbuff\" alone: remove it, or set federation.rule = "
                  "\"fedbuff\""));
  EXPECT_THAT(problems("", {"model.kind=cnn", "model.layers=[784, 10]"}),
      ElementsAre(testing::StartsWith("--set: model.layers = [784, 10] is")));
  EXPECT_THAT(
      problems("[federation]\nrule = \"fedbuff\"\n", {"federation.fraction=1"}),
      ElementsAre(HasSubstr("federation.fraction = 1.0 is for federation.rule "
                            "= \"fedavg\" alone: remove it")));
  EXPECT_THAT(problems("[data]\nset = \"synthetic\"\n", {"data.path=here"}),
      ElementsAre(HasSubstr("data.path = \"here\" is for data.set = "
                            "\"fashion-mnist\" or \"idx\" alone")));
}

struct choice {
  const char* file;
  std::vector<std::string> settings;
};

class another_choice_test : public testing::TestWithParam<choice> {};

TEST_P(another_choice_test, leaves_out_what_the_file_says_of_its_own) {
  auto [file, settings] = GetParam();

  auto read = parse_configuration(file, "run.toml", settings);

  EXPECT_THAT(read.problems, IsEmpty());
  // Its effective configuration, alone, says the same and may be resumed.
  auto again = parse_configuration(to_toml(read.value), "config.toml");
  EXPECT_THAT(again.problems, IsEmpty());
  EXPECT_EQ(again.value, read.value);
  EXPECT_THAT(differences(read.value, again.value), IsEmpty());
}

constexpr auto an_mlp = "[model]\nkind = \"mlp\"\nlayers = [784, 50, 10]\n";
constexpr auto a_buffer = "[federation]\nrule = \"fedbuff\"\nbuffer = 9\n"
                          "concurrency = 30\nmax_staleness = 4\n";

INSTANTIATE_TEST_SUITE_P(of, another_choice_test,
    testing::Values(choice{an_mlp, {"model.kind=softmax"}},
        choice{an_mlp, {"model.kind=lenet5"}}, choice{an_mlp, {}},
        choice{"[model]\nlayers = [784, 10]\n", {"model.kind=cnn"}},
        choice{"[federation]\nfraction = 0.3\n",
            {"federation.rule=fedbuff", "federation.buffer=10"}},
        choice{a_buffer, {"federation.rule=fedavg", "federation.fraction=0.2"}},
        choice{"[data]\npartition = \"shards\"\nshards_per_client = 3\n",
            {"data.partition=iid"}},
        choice{"[data]\npartition = \"labels\"\nlabels_per_client = 3\n",
            {"data.partition=label-dirichlet", "data.alpha=0.1"}},
        choice{"[data]\npartition = \"shards\"\nshards_per_client = 3\n"
               "path = \"here\"\n",
            {"data.set=synthetic", "data.beta=1"}},
        choice{"[data]\nset = \"synthetic\"\nalpha = 0\nbeta = 1\n",
            {"data.set=fashion-mnist"}}));

TEST(configuration_test, forgets_the_values_that_it_leaves_out) {
  auto read = parse_configuration(
      a_buffer, "run.toml", std::vector<std::string>{"federation.rule=fedavg"});

  EXPECT_EQ(read.value, configuration{});
  EXPECT_THAT(
      read.where, ElementsAre(testing::Pair("federation.rule", "--set")));
}

TEST(configuration_test, takes_every_number_that_a_float_holds) {
  auto read = parse_configuration("[client]\nlr = 1e30\nclip = 3.4028235e+38\n"
                                  "[federation]\nserver_lr = 1e9\n",
      "run.toml");

  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_EQ(read.value.client.lr, 1e30f);
  EXPECT_EQ(read.value.client.clip, std::numeric_limits<float>::max());
  EXPECT_EQ(
      parse_configuration(to_toml(read.value), "run.toml").value, read.value);
}

TEST(configuration_test, shows_numbers_in_the_fewest_digits) {
  EXPECT_THAT(problems("", {"client.lr=-0.1", "client.clip=1e39",
                               "model.layers=[0.1, 2]"}),
      ElementsAre("--set: client.lr = -0.1 is not a number from above 0 to "
                  "3.4028235e+38",
          "--set: client.clip = 1e+39 is not a number from 0 to 3.4028235e+38",
          "--set: model.layers = [0.1, 2] has 0.1, which is not a whole number "
          "from 1 to 16777216"));
}

TEST(configuration_test, refuses_keys_that_contradict_each_other) {
  EXPECT_THAT(problems("[federation]\nclients = 20\nmin_updates = 3\n"),
      ElementsAre("run.toml:3: federation.min_updates = 3 is more than the 2 "
                  "clients of a round (fraction 0.1 of 20): every round would "
                  "be skipped"));
  EXPECT_THAT(problems("[federation]\nrule = \"fedbuff\"\nclients = 5\n"
                       "buffer = 6\nconcurrency = 7\n"),
      ElementsAre("run.toml:4: federation.buffer = 6 is more than the 5 "
                  "clients there are; a client trains once a version at most",
          "run.toml:5: federation.concurrency = 7 is more than the 5 clients "
          "there are; a client trains once a version at most"));
  EXPECT_THAT(problems("[federation]\nrule = \"fedasync\"\n"
                       "staleness = \"hinge\"\nstaleness_exponent = 0.9\n"),
      ElementsAre("run.toml:4: federation.staleness_exponent = 0.9 is for "
                  "staleness = \"polynomial\" alone, this is \"hinge\""));
}

TEST(configuration_test, has_no_clients_of_its_own_where_nodes_bring_them) {
  EXPECT_THAT(problems("[federation]\nclients = 0\n"),
      ElementsAre("run.toml:2: federation.clients = 0 leaves nobody to train, "
                  "unless nodes may bring clients of their own: "
                  "federation.residents = true"));
  EXPECT_THAT(
      problems("[federation]\nclients = 0\nresidents = true\n"), IsEmpty());
  EXPECT_THAT(problems("[federation]\nclients = 0\nresidents = true\n"
                       "[data]\nset = \"synthetic\"\n"),
      ElementsAre(HasSubstr("data.set")));
  EXPECT_THAT(problems("[federation]\nclients = 2\nresidents = true\n"
                       "rule = \"fedbuff\"\nbuffer = 10\n"),
      IsEmpty())
      << "more may come";
}

TEST(configuration_test, refuses_data_that_cannot_be_found_or_divided) {
  EXPECT_THAT(problems("[data]\nset = \"idx\"\n"),
      ElementsAre("run.toml:2: data.set = \"idx\" needs data.path, the "
                  "directory of the IDX files, like data.path = \"mine\""));
  EXPECT_THAT(problems("[data]\npartition = \"quantity\"\nalpha = 0\n"),
      ElementsAre("run.toml:3: data.alpha = 0.0 is too small for "
                  "data.partition = \"quantity\": it has to be above 0"));
  EXPECT_THAT(problems("[data]\npartition = \"label-dirichlet\"\nalpha = 0\n"),
      ElementsAre(HasSubstr("it has to be above 0")));
  EXPECT_THAT(problems("[data]\npartition = \"labels\"\n"
                       "labels_per_client = 257\n"),
      ElementsAre("run.toml:3: data.labels_per_client = 257 is not a whole "
                  "number from 1 to 256"));
  EXPECT_THAT(problems("", {"data.labels_per_client=3"}),
      ElementsAre(
          "--set: data.labels_per_client = 3 is for data.set = "
          "\"fashion-mnist\" or \"idx\" and data.partition = \"labels\" alone: "
          "remove it, or set data.set = \"fashion-mnist\" or \"idx\" and "
          "data.partition = \"labels\""));
  EXPECT_THAT(problems("[data]\nset = \"synthetic\"\nalpha = 0\nbeta = 0\n"),
      IsEmpty());
}

TEST(configuration_test, takes_devices_and_slots_from_file_and_settings) {
  auto file = parse_configuration("[compute]\ndevices = [\"cpu\", \"cuda:0\"]"
                                  "\nslots = {cpu = 2, \"cuda:0\" = 4}\n",
      "run.toml");
  auto table = parse_configuration(
      "[compute]\ndevice = \"cuda:1\"\n[compute.slots]\ncuda = 4\n",
      "run.toml");
  auto set = parse_configuration("", "run.toml",
      std::vector<std::string>{"compute.devices=[\"cpu\",\"cuda:0\"]",
          "compute.slots={cpu=2,\"cuda:0\"=4}"});

  EXPECT_THAT(file.problems, IsEmpty());
  EXPECT_THAT(file.value.compute.devices, ElementsAre("cpu", "cuda:0"));
  EXPECT_EQ(file.value.compute.slots, (slot_counts{{"cpu", 2}, {"cuda:0", 4}}));
  EXPECT_EQ(file.value, set.value);
  EXPECT_THAT(table.problems, IsEmpty());
  EXPECT_EQ(table.value.compute.slots.of("cuda:1"), 4u);
  EXPECT_EQ(table.value.compute.slots.of("cpu"), std::nullopt);
}

TEST(configuration_test, tells_no_slots_from_as_many_as_suit) {
  const auto slots_of = [](const std::string& text) {
    auto read = parse_configuration("[compute]\nslots = " + text, "run.toml");
    EXPECT_THAT(read.problems, IsEmpty());
    auto back = parse_configuration(to_toml(read.value), "config.toml");
    EXPECT_EQ(back.value, read.value);
    return read.value.compute.slots;
  };

  EXPECT_EQ(slots_of("\"auto\""), slot_counts{});
  EXPECT_FALSE(slots_of("\"auto\"").none());
  EXPECT_TRUE(slots_of("0").none());
  EXPECT_EQ(slots_of("0").of("cpu"), 0u);
  EXPECT_EQ(configuration{}.compute.slots, slot_counts{});
  EXPECT_THAT(problems("[compute]\nslots = {cpu = 0}\n"),
      ElementsAre(HasSubstr("compute.slots = {cpu = 0} gives cpu none")));
  EXPECT_THAT(
      problems("[compute]\nslots = 0\ndevices = [\"cpu\", \"cuda:0\"]\n"),
      ElementsAre(HasSubstr("compute.slots = 0 says nothing of how the kinds "
                            "in compute.devices share the clients")));
}

TEST(configuration_test, names_devices_that_there_cannot_be) {
  EXPECT_THAT(problems("[compute]\ndevice = \"cud\"\n"),
      ElementsAre("run.toml:2: compute.device = \"cud\" is not one of auto, "
                  "cpu, cuda, cuda:0 (did you mean cuda?)"));
  EXPECT_THAT(problems("[compute]\ndevices = [\"cpu\", \"cuda:x\"]\n"),
      ElementsAre("run.toml:2: compute.devices = [\"cpu\", \"cuda:x\"] has "
                  "\"cuda:x\", which is not one of cpu, cuda, cuda:0 (did you "
                  "mean cuda:0?)"));
  EXPECT_THAT(problems("[compute]\ndevices = [\"cpu\", \"cpu\"]\n"),
      ElementsAre(HasSubstr("has \"cpu\" twice")));
  EXPECT_THAT(problems("[compute]\ndevices = \"cpu\"\n"),
      ElementsAre(HasSubstr("is not a list of devices, like")));
  EXPECT_THAT(problems("[compute]\nslots = {cpu = 2000}\n"),
      ElementsAre(HasSubstr(
          "has cpu = 2000, which is not a whole number from 0 to 1024")));
  EXPECT_THAT(problems("[compute]\nslots = {gpu = 2, \"cuda:0\" = 4}\n"),
      ElementsAre(HasSubstr("compute.slots = {\"cuda:0\" = 4, gpu = 2} has "
                            "gpu, which is not one of cpu, cuda, cuda:0 "
                            "(did you mean cpu?)")));
  EXPECT_THAT(problems("", {"compute.slots=many"}),
      ElementsAre(
          "--set: compute.slots = \"many\" is not a whole number from 0 "
          "to 1024, nor one a device, like {cpu = 2, \"cuda:0\" = 4}, nor "
          "\"auto\""));
}

TEST(configuration_test, refuses_devices_that_contradict_each_other) {
  EXPECT_THAT(problems("[compute]\ndevice = \"cpu\"\ndevices = [\"cuda:0\"]\n"),
      ElementsAre("run.toml:3: compute.devices = [\"cuda:0\"] and "
                  "compute.device = \"cpu\" contradict each other: keep one of "
                  "them"));
  EXPECT_THAT(problems("", {"compute.devices=[\"cuda:1\",\"cuda\"]"}),
      ElementsAre("--set: compute.devices = [\"cuda:1\", \"cuda\"] names one "
                  "device twice: cuda:1 and cuda"));
  EXPECT_THAT(problems("[compute]\ndevices = [\"cpu\", \"cuda:0\"]\n"
                       "slots = {\"cuda:1\" = 2}\n"),
      ElementsAre(
          "run.toml:3: compute.slots = {\"cuda:1\" = 2} has cuda:1, but "
          "the run is on cpu, cuda:0 (did you mean cuda:0?)"));
}

TEST(configuration_test, refuses_a_programs_devices_as_it_does_a_files) {
  configuration own;
  own.compute.devices = {"cpu", "gpu"};
  own.compute.slots = slot_counts{{"cpu", 5000}};

  EXPECT_THAT(contradictions(own),
      ElementsAre("compute.devices = [\"cpu\", \"gpu\"] has gpu, which is not "
                  "one of cpu, cuda, cuda:0 (did you mean cpu?)",
          "compute.slots = {cpu = 5000} is not from 0 to 1024"));
}

TEST(configuration_test, refuses_a_name_that_no_directory_can_have) {
  for (auto name : {"", "a/b", "..", "-x", "a\\nb"})
    EXPECT_THAT(problems("[run]\nname = \"" + std::string{name} + "\"\n"),
        ElementsAre(HasSubstr("cannot name a directory")))
        << name;
}

TEST(configuration_test, weighs_and_buffers_as_the_rule_wants_by_default) {
  auto rounds = parse_configuration("", "run.toml");
  auto buffered = parse_configuration(
      "[federation]\nrule = \"fedbuff\"\nclients = 4\n", "run.toml");

  EXPECT_EQ(rounds.value.federation.weighting, "samples");
  EXPECT_EQ(buffered.value.federation.weighting, "uniform");
  EXPECT_EQ(options_of<fedbuff>(buffered.value).buffer, 4u);
  EXPECT_EQ(options_of<fedbuff>(buffered.value).concurrency, 4u);
}

TEST(configuration_test, reads_back_what_it_prints) {
  for (auto text : {"", "[client]\nlr = 0.1\nclip = 1e-7\nlr_decay = 0.3333333",
           "[federation]\nrule = \"fedbuff\"\nbuffer = 3\n",
           "[model]\nkind = \"cnn\"\n[run]\nname = \"a \\\"b\\\\\"\n",
           "[compute]\ndevices = [\"cpu\", \"cuda:3\"]\nslots = {\"cuda:3\" = "
           "7, cpu = 2}\n"}) {
    auto first = parse_configuration(text, "run.toml");
    ASSERT_THAT(first.problems, IsEmpty()) << text;

    auto second = parse_configuration(to_toml(first.value), "config.toml");

    EXPECT_THAT(second.problems, IsEmpty()) << text;
    EXPECT_EQ(second.value, first.value) << text;
  }
}

TEST(configuration_test, prints_each_key_with_its_meaning) {
  auto text = to_toml({});

  for (const auto& k : keys()) {
    EXPECT_THAT(text, HasSubstr(std::string{k.name} + " = ")) << k.path();
    EXPECT_THAT(text, HasSubstr(std::string{k.meaning})) << k.path();
    EXPECT_THAT(describe_keys(), HasSubstr(k.path() + " = "));
  }
  EXPECT_THAT(text, HasSubstr("\n# buffer = 10"));
}

TEST(configuration_test, reads_back_names_of_a_program_where_asked) {
  tests::scratch_directory scratch;
  configuration own;
  own.data.set = "own";
  own.data.partition = "own";
  own.model.kind = "k-means";
  std::ofstream{scratch / "config.toml"} << to_toml(own);

  auto lenient = read_effective_configuration(scratch / "config.toml");
  auto strict = read_configuration(scratch / "config.toml");

  EXPECT_THAT(lenient.problems, IsEmpty());
  EXPECT_EQ(lenient.value, own);
  EXPECT_EQ(strict.problems.size(), 3u);
}

TEST(configuration_test, says_why_a_file_cannot_be_read) {
  tests::scratch_directory scratch;
  auto missing = scratch / "none.toml";

  EXPECT_THAT(read_configuration(missing).problems,
      ElementsAre(
          missing.string() + " cannot be read: No such file or directory"));
  EXPECT_THAT(read_configuration(scratch.path()).problems,
      ElementsAre(scratch.path().string() + " cannot be read: Is a directory"));
}

TEST(configuration_test, lets_a_resumed_run_change_what_leaves_its_bits) {
  configuration before;
  auto now = before;
  now.run.name = "later";
  now.run.rounds = 80;
  now.run.evaluate_every = 1;
  now.run.target_accuracy = 0.9;
  now.run.keep_checkpoints = 9;
  now.compute.slots = 8;
  now.federation.options["buffer"] = 3u; // of the rule that is not in use

  EXPECT_THAT(differences(before, now, 50), IsEmpty());
}

TEST(configuration_test, names_what_would_change_a_resumed_runs_bits) {
  configuration before;
  auto now = before;
  now.run.seed = 2;
  now.run.rounds = 40;
  now.client.lr = 0.1f;
  now.data.partition = "shards";

  EXPECT_THAT(differences(before, now, 45),
      ElementsAre("run.seed was 1 and would be 2: the run's bits would change",
          "data.partition was \"iid\" and would be \"shards\": the run's bits "
          "would change",
          "client.lr was 0.05 and would be 0.1: the run's bits would change",
          "run.rounds = 40 is less than the 45 that are done"));
}

TEST(configuration_test, counts_a_rounds_clients_as_the_rule_does) {
  configuration what;
  EXPECT_EQ(cohort(what), 10u);
  what.federation.clients = 3;
  EXPECT_EQ(cohort(what), 1u);
  choose_rule(what, fedavg{.fraction = 0.5});
  EXPECT_EQ(cohort(what), 2u);
}

TEST(spelling_test, finds_the_nearest_word_within_a_slip_for_three_letters) {
  constexpr std::array<std::string_view, 3> words{"iid", "shards", "dirichlet"};

  EXPECT_EQ(nearest("shard", words), "shards");
  EXPECT_EQ(nearest("dirihclet", words), "dirichlet");
  EXPECT_EQ(nearest("IID", words), "iid");
  EXPECT_EQ(nearest("quantum", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest(std::string(1000, 'd'), words), "");
}

TEST(spelling_test, counts_a_swap_of_neighbours_as_one_slip) {
  EXPECT_EQ(typing_distance("", "abc"), 3u);
  EXPECT_EQ(typing_distance("abcd", "abdc"), 1u);
  EXPECT_EQ(typing_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(typing_distance("same", "same"), 0u);
}

} // namespace
} // namespace troupe
