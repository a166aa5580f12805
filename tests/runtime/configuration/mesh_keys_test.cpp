#include "runtime/configuration/mesh_keys.hpp"

#include "runtime/configuration/mesh_choice.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace troupe {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto a_mesh = "[parallel]\nworkers = 4\n";

reading read(
    const std::string& text, const std::vector<std::string>& settings = {}) {
  return parse_configuration(text, "mlp.toml", settings);
}
std::vector<std::string> problems(
    const std::string& text, const std::vector<std::string>& settings = {}) {
  return read(text, settings).problems;
}
configuration mesh() {
  return read(a_mesh).value;
}

TEST(mesh_keys_test, are_taken_from_a_file) {
  const auto said = read(R"([run]
steps = 2000
evaluate_every = 50
[parallel]
workers = 4
min_workers = 2
sync = "diloco"
batch = 96
micro_batches = 12
algorithm = "tree"
bits = "fast"
every = 20
outer_lr = 0.5
outer_momentum = 0.8
wire = "tcp"
[optimiser]
kind = "adamw"
lr = 3e-4
betas = [0.9, 0.95]
epsilon = 1e-6
weight_decay = 0.1
clip = 1.0
schedule = "cosine"
warmup = 100
floor = 0.1
)");

  EXPECT_THAT(said.problems, IsEmpty());
  EXPECT_THAT(said.notes, IsEmpty());
  configuration expected;
  expected.run.steps = 2000;
  expected.run.evaluate_every = 50;
  expected.run.checkpoint_every = mesh_checkpoints_every;
  expected.parallel.workers = 4;
  expected.parallel.min_workers = 2;
  expected.parallel.sync = "diloco";
  expected.parallel.batch = 96;
  expected.parallel.micro_batches = 12;
  expected.parallel.algorithm = "tree";
  expected.parallel.bits = "fast";
  expected.parallel.every = 20;
  expected.parallel.outer_lr = 0.5;
  expected.parallel.outer_momentum = 0.8;
  expected.parallel.wire = "tcp";
  expected.optimiser = {"adamw", 3e-4, 0.0, false, {0.9, 0.95}, 1e-6, 0.1, 1.0,
      "cosine", 100, 0.1};
  EXPECT_EQ(said.value, expected);
  EXPECT_TRUE(said.value.is_mesh());
}

TEST(mesh_keys_test, have_defaults_that_go_with_what_was_chosen) {
  const auto plain = read(a_mesh).value;
  const auto adam = read(a_mesh, {"optimiser.kind=adamw"}).value;

  EXPECT_EQ(plain.optimiser.lr, 0.05);
  EXPECT_EQ(adam.optimiser.lr, 1e-3);
  EXPECT_EQ(plain.run.evaluate_every, mesh_evaluates_every);
  EXPECT_EQ(plain.run.checkpoint_every, mesh_checkpoints_every);
  EXPECT_EQ(read("").value.run.evaluate_every, 10u);
}

TEST(mesh_keys_test, take_a_number_or_a_word_for_staleness) {
  const auto staleness = [](const std::string& is) {
    return read("[parallel]\nworkers = 2\nsync = \"parameter_server\"\n"
                "staleness = " +
                is + "\n");
  };

  EXPECT_EQ(staleness("3").value.parallel.staleness, "3");
  EXPECT_EQ(staleness("\"any\"").value.parallel.staleness, "any");
  EXPECT_EQ(
      read(a_mesh, {"parallel.sync=parameter_server", "parallel.staleness=5"})
          .value.parallel.staleness,
      "5");
  EXPECT_THAT(to_toml(staleness("3").value), HasSubstr("\nstaleness = 3 "));
  EXPECT_THAT(
      to_toml(staleness("\"any\"").value), HasSubstr("\nstaleness = \"any\""));
  for (auto wrong : {"-1", "\"some\"", "1.5", "[]", "9999999999"})
    EXPECT_THAT(staleness(wrong).problems,
        ElementsAre(HasSubstr("is not a whole number from 0 to 999999999, nor "
                              "\"any\"")))
        << wrong;
}

TEST(mesh_keys_test, refuse_moments_that_are_no_pair_below_one) {
  const auto betas = [](const std::string& are) {
    return problems("[parallel]\nworkers = 2\n[optimiser]\nkind = \"adamw\"\n"
                    "betas = " +
                    are + "\n");
  };

  EXPECT_THAT(betas("[0.9, 0.95]"), IsEmpty());
  EXPECT_THAT(betas("[0.9]"),
      ElementsAre("mlp.toml:5: optimiser.betas = [0.9] is not a list of 2 "
                  "numbers, like [0.9, 0.999]"));
  EXPECT_THAT(betas("[0.9, 1]"), ElementsAre(HasSubstr("has 1, which is not")));
}

TEST(mesh_keys_test, guess_what_was_meant) {
  EXPECT_THAT(problems("[parallel]\nworkers = 2\nsync = \"allreduce\"\n"),
      ElementsAre(HasSubstr("(did you mean all_reduce?)")));
  EXPECT_THAT(problems("[parallel]\nworker = 2\n"),
      ElementsAre(HasSubstr("(did you mean workers?)")));
}

TEST(mesh_keys_test, come_back_from_what_a_run_wrote) {
  for (auto text : {"", "sync = \"parameter_server\"\nstaleness = 2\n",
           "sync = \"diloco\"\nevery = 9\n", "sync = \"gossip\"\n",
           "sync = \"local_sgd\"\n", "zero = 3\n",
           "[optimiser]\nkind = \"adamw\"\nbetas = [0.0, 0.5]\n"}) {
    const auto first = read(std::string{a_mesh} + text);
    ASSERT_THAT(first.problems, IsEmpty()) << text;

    const auto second = read(to_toml(first.value));

    EXPECT_THAT(second.problems, IsEmpty()) << text;
    EXPECT_THAT(second.notes, IsEmpty()) << text;
    EXPECT_EQ(second.value, first.value) << text;
  }
}

TEST(mesh_keys_test, leave_a_federations_keys_out_of_what_is_written) {
  const auto of_mesh = to_toml(mesh());
  const auto of_federation = to_toml({});

  for (const auto& k : keys()) {
    const auto line = "\n" + std::string{k.name} + " = ";
    if (k.of == topology_kind::federation && k.section == "client")
      EXPECT_THAT(of_mesh, HasSubstr("\n# " + line.substr(1))) << k.path();
    if (k.of == topology_kind::mesh)
      EXPECT_THAT(of_federation, HasSubstr("\n# " + line.substr(1)));
  }
  EXPECT_THAT(of_mesh, HasSubstr("\nworkers = 4"));
  EXPECT_THAT(of_mesh, HasSubstr("\n# rounds = 50"));
  EXPECT_THAT(of_federation, HasSubstr("\nworkers = 0"));
  EXPECT_THAT(of_federation, HasSubstr("\n# steps = 1000"));
}

TEST(mesh_keys_test, name_what_a_federation_has_in_their_place) {
  EXPECT_THAT(problems("[run]\nrounds = 5\n[parallel]\nworkers = 4\n[client]\n"
                       "lr = 0.1\n[federation]\nresidents = true\n"),
      ElementsAre("mlp.toml:2: run.rounds = 5 is a federation's; a mesh "
                  "(parallel.workers = 4) has run.steps",
          "mlp.toml:8: federation.residents = true is a federation's; a mesh "
          "(parallel.workers = 4) has no use for it",
          "mlp.toml:6: client.lr = 0.1 is a federation's; a mesh "
          "(parallel.workers = 4) has optimiser.lr"));
  EXPECT_THAT(problems("[optimiser]\nlr = 0.1\n"),
      ElementsAre("mlp.toml:2: optimiser.lr = 0.1 is a mesh's; a federation "
                  "(parallel.workers = 0) has client.lr"));
  EXPECT_THAT(
      problems("[optimiser]\nlr = 0.1\n", {"parallel.workers=2"}), IsEmpty());
}

TEST(mesh_keys_test, refuse_each_way_of_a_federation_by_name) {
  for (auto way : {"[run]\norder = \"virtual\"",
           "[federation]\nregions = [\"2: rule=none\"]",
           "[federation]\nswitch = [\"version 3: buffer=4\"]",
           "[federation]\nmin_residents = 2", "[clock]\nslow = 0.1",
           "[client]\nmethod = \"scaffold\""})
    EXPECT_THAT(problems(std::string{way} + "\n" + a_mesh),
        ElementsAre(HasSubstr("is a federation's; a mesh")))
        << way;
}

// As a file may have figures for several partitions.
TEST(mesh_keys_test, make_nothing_of_how_data_would_be_divided) {
  const auto said =
      read(std::string{a_mesh} + "[data]\npartition = \"labels\"\n"
                                 "labels_per_client = 3\n");

  EXPECT_THAT(said.problems, IsEmpty());
  EXPECT_EQ(said.value.data, configuration{}.data);
  EXPECT_THAT(problems(a_mesh, {"data.partition=labels"}),
      ElementsAre(HasSubstr("--set: data.partition = \"labels\" is a "
                            "federation's; a mesh")));
}

TEST(mesh_keys_test, are_left_out_where_another_choice_has_no_use_for_them) {
  const auto said =
      read("[parallel]\nworkers = 4\nshards = 2\nevery = 9\n[optimiser]\n"
           "betas = [0.9, 0.9]\n");

  EXPECT_THAT(said.problems, IsEmpty());
  EXPECT_THAT(said.notes,
      ElementsAre("mlp.toml:4: parallel.every is for parallel.sync = "
                  "\"local_sgd\" or \"diloco\" alone; left out",
          "mlp.toml:3: parallel.shards is for parallel.sync = "
          "\"parameter_server\" alone; left out",
          "mlp.toml:6: optimiser.betas is for optimiser.kind = \"adamw\" "
          "alone; left out"));
  EXPECT_EQ(said.value, mesh());
  EXPECT_THAT(problems(a_mesh, {"parallel.shards=2"}),
      ElementsAre(
          HasSubstr("is for parallel.sync = \"parameter_server\" alone: "
                    "remove it")));
}

TEST(mesh_keys_test, let_a_resumed_mesh_have_other_ranks_where_bits_stay) {
  const auto before = mesh();
  auto now = before;
  now.parallel.workers = 2;
  now.parallel.algorithm = "ring";
  now.parallel.zero = 2;
  now.parallel.wire = "tcp";
  now.run.steps = 4000;
  now.run.evaluate_every = 7;
  now.compute.slots = 3;

  EXPECT_THAT(differences(before, now, 1000), IsEmpty());

  auto fast = before;
  auto faster = now;
  fast.parallel.bits = faster.parallel.bits = "fast";
  EXPECT_THAT(differences(fast, faster, 1000),
      ElementsAre(HasSubstr("parallel.workers was 4 and would be 2"),
          HasSubstr("parallel.algorithm was \"auto\""),
          HasSubstr("parallel.zero was 0")));
}

TEST(mesh_keys_test, say_what_would_change_a_resumed_meshs_bits) {
  const auto before = mesh();
  const auto changed = [&](auto change) {
    auto now = before;
    change(now);
    return differences(before, now, 10);
  };

  EXPECT_THAT(changed([](auto& c) { c.parallel.batch = 128; }),
      ElementsAre(
          "parallel.batch was 64 and would be 128: the run's bits would "
          "change"));
  EXPECT_THAT(changed([](auto& c) { c.parallel.micro_batches = 4; }),
      ElementsAre(HasSubstr("parallel.micro_batches")));
  EXPECT_THAT(changed([](auto& c) { c.parallel.bits = "fast"; }),
      Contains(HasSubstr("parallel.bits")));
  EXPECT_THAT(changed([](auto& c) { c.parallel.sync = "gossip"; }),
      Contains(HasSubstr("parallel.sync")));
  EXPECT_THAT(changed([](auto& c) { c.optimiser.lr = 0.1; }),
      ElementsAre(HasSubstr("optimiser.lr")));
  EXPECT_THAT(changed([](auto& c) { c.run.steps = 9; }),
      ElementsAre("run.steps = 9 is less than the 10 that are done"));
  EXPECT_THAT(changed([](auto& c) { c.parallel.workers = 0; }),
      ElementsAre("parallel.workers was 4 and would be 0: a federation and a "
                  "mesh do not go on from each other"));
}

TEST(mesh_keys_test, hold_the_length_of_a_run_where_the_rate_goes_by_it) {
  auto before = mesh();
  before.optimiser.schedule = "cosine";
  auto now = before;
  now.run.steps = 2000;

  EXPECT_THAT(differences(before, now),
      ElementsAre(HasSubstr("run.steps was 1000 and would be 2000")));
}

TEST(mesh_keys_test, follow_a_setting_that_takes_another_optimiser) {
  auto start = mesh();
  start.optimiser.kind = "adamw";
  start.optimiser.lr = 3e-4;
  start.optimiser.betas = {0.8, 0.9};

  const auto said = change_configuration(
      start, std::vector<std::string>{"optimiser.kind=sgd"});

  EXPECT_THAT(said.problems, IsEmpty());
  EXPECT_EQ(said.value, mesh());
}

} // namespace
} // namespace troupe
