#include "runtime/configuration/mesh_choice.hpp"

#include "runtime/configuration/rule_choice.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace troupe {
namespace {

using collective::algorithm;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

reading read(std::vector<std::string> settings) {
  settings.insert(settings.begin(), "parallel.workers=4");
  return parse_configuration("", "mlp.toml", settings);
}
std::vector<std::string> problems(std::vector<std::string> settings) {
  return read(std::move(settings)).problems;
}
configuration mesh(std::vector<std::string> settings = {}) {
  auto said = read(std::move(settings));
  EXPECT_THAT(said.problems, IsEmpty());
  return said.value;
}

TEST(mesh_choice_test, tells_ranks_what_the_keys_say) {
  const auto said = plan_of(mesh({"run.seed=9", "run.steps=400",
      "parallel.batch=96", "parallel.micro_batches=12", "parallel.zero=2",
      "parallel.algorithm=halving_doubling", "parallel.bits=fast",
      "optimiser.kind=adamw", "optimiser.lr=3e-4",
      "optimiser.betas=[0.8, 0.95]", "optimiser.epsilon=1e-6",
      "optimiser.weight_decay=0.1", "optimiser.clip=1",
      "optimiser.schedule=cosine", "optimiser.warmup=100",
      "optimiser.floor=0.25"}));

  parallel::plan expected;
  expected.workers = 4;
  expected.batch = 96;
  expected.micro_batches = 12;
  expected.by = algorithm::halving_doubling;
  expected.canonical = false;
  expected.zero = 2;
  expected.seed = 9;
  expected.optimiser.kind = gpu::optimiser_options::rule::adamw;
  expected.optimiser.lr = 3e-4f;
  expected.optimiser.beta1 = 0.8f;
  expected.optimiser.beta2 = 0.95f;
  expected.optimiser.epsilon = 1e-6f;
  expected.optimiser.weight_decay = 0.1f;
  expected.optimiser.clip = 1.0f;
  expected.optimiser.rate = {gpu::decay::cosine, 100, 400, 0.25};
  EXPECT_EQ(said, expected);
}

TEST(mesh_choice_test, tells_ranks_how_they_agree) {
  using parallel::sync;
  const auto server = plan_of(mesh({"parallel.sync=parameter_server",
      "parallel.shards=3", "parallel.staleness=2"}));
  const auto anarchic = plan_of(
      mesh({"parallel.sync=parameter_server", "parallel.staleness=any"}));
  const auto diloco = plan_of(mesh({"parallel.sync=diloco", "parallel.every=7",
      "parallel.outer_lr=0.5", "parallel.outer_momentum=0.25"}));
  const auto gossip =
      plan_of(mesh({"parallel.sync=gossip", "parallel.pairs=random"}));

  EXPECT_EQ(server.how, sync::parameter_server);
  EXPECT_EQ(server.shards, 3u);
  EXPECT_EQ(server.staleness, std::uint64_t{2});
  EXPECT_FALSE(anarchic.staleness);
  EXPECT_EQ(diloco.how, sync::diloco);
  EXPECT_EQ(diloco.every, 7u);
  EXPECT_EQ(diloco.outer_lr, 0.5f);
  EXPECT_EQ(diloco.outer_momentum, 0.25f);
  EXPECT_EQ(gossip.pairs, parallel::pairing::random);
  EXPECT_EQ(plan_of(mesh()).every, 1u) << "all_reduce agrees on each";
  EXPECT_EQ(plan_of(mesh({"parallel.sync=local_sgd"})).every, 500u);
  EXPECT_TRUE(plan_of(mesh()).lockstep());
}

TEST(mesh_choice_test, calls_the_plainest_tree_a_tree) {
  const auto by = [](const std::string& name) {
    return plan_of(mesh({"parallel.algorithm=" + name})).by;
  };

  EXPECT_EQ(by("auto"), std::nullopt);
  EXPECT_EQ(by("tree"), algorithm::binomial_tree);
  EXPECT_EQ(by("binomial_tree"), algorithm::binomial_tree);
  EXPECT_EQ(by("ring"), algorithm::ring);
}

TEST(mesh_choice_test, goes_down_with_a_momentum_of_its_own) {
  const auto said =
      plan_of(mesh({"optimiser.momentum=0.9", "optimiser.nesterov=true"}))
          .optimiser;

  EXPECT_EQ(said.kind, gpu::optimiser_options::rule::sgd);
  EXPECT_EQ(said.lr, 0.05f);
  EXPECT_EQ(said.momentum, 0.9f);
  EXPECT_TRUE(said.nesterov);
  EXPECT_EQ(said.rate, gpu::rate_schedule{});
}

TEST(mesh_choice_test, refuses_micro_batches_that_are_not_alike) {
  EXPECT_THAT(problems({"parallel.batch=65"}),
      ElementsAre("parallel.micro_batches = 8 does not divide parallel.batch = "
                  "65: micro-batches are alike"));
  EXPECT_THAT(problems({"parallel.workers=9"}),
      ElementsAre("parallel.micro_batches = 8 leaves 1 of parallel.workers = 9 "
                  "without any: a rank has one or more"));
  EXPECT_THAT(problems({"parallel.min_workers=5"}),
      ElementsAre("--set: parallel.min_workers = 5 is more than "
                  "parallel.workers = 4"));
}

TEST(mesh_choice_test, shards_no_state_that_ranks_do_not_share) {
  EXPECT_THAT(problems({"parallel.sync=gossip", "parallel.zero=1"}),
      ElementsAre("--set: parallel.zero = 1 shards what parallel.sync = "
                  "\"all_reduce\" keeps at every rank; this is \"gossip\""));
  EXPECT_THAT(problems({"parallel.zero=2", "parallel.algorithm=tree"}),
      ElementsAre(HasSubstr("parallel.algorithm = \"tree\" sums for everybody "
                            "alone, and parallel.zero = 2 scatters")));
}

TEST(mesh_choice_test, adds_in_one_order_where_bits_are_canonical) {
  for (auto other : {"chunked_ring", "double_tree", "doubling"}) {
    const auto by = std::string{"parallel.algorithm="} + other;
    EXPECT_THAT(
        problems({by}), ElementsAre(HasSubstr("adds in an order of its own")));
    EXPECT_THAT(problems({by, "parallel.bits=fast"}), IsEmpty());
  }
}

TEST(mesh_choice_test, steps_moments_by_a_clock_alone) {
  const std::string server = "parallel.sync=parameter_server";
  const std::string any = "parallel.staleness=any";

  EXPECT_THAT(problems({server, any}), IsEmpty());
  EXPECT_THAT(problems({server, any, "optimiser.kind=adamw"}),
      ElementsAre(HasSubstr("optimiser.kind = \"adamw\" steps once a clock")));
  EXPECT_THAT(problems({server, any, "optimiser.momentum=0.9"}),
      ElementsAre(HasSubstr("optimiser.momentum = 0.9 steps once a clock")));
  EXPECT_THAT(
      problems({server, "parallel.staleness=4", "optimiser.kind=adamw"}),
      IsEmpty());
}

TEST(mesh_choice_test, refuses_a_rate_that_never_comes_and_momentum_of_none) {
  EXPECT_THAT(problems({"optimiser.warmup=1000"}),
      ElementsAre("--set: optimiser.warmup = 1000 is not below run.steps = "
                  "1000: the rate would never be optimiser.lr"));
  EXPECT_THAT(problems({"optimiser.nesterov=true"}),
      ElementsAre(HasSubstr("looks ahead along optimiser.momentum")));
  EXPECT_THAT(
      problems({"parallel.sync=local_sgd", "optimiser.clip=1"}), IsEmpty());
}

TEST(mesh_choice_test, refuses_what_makes_no_mesh) {
  EXPECT_THAT(problems({"data.set=synthetic"}),
      ElementsAre(HasSubstr("is made for a federation's clients")));
  const std::string mixed = "compute.devices=[\"cpu\", \"cuda:0\"]";
  EXPECT_THAT(
      problems({mixed}), ElementsAre(HasSubstr("mixes kinds of device")));
  EXPECT_THAT(problems({mixed, "parallel.bits=fast"}), IsEmpty());
}

TEST(mesh_choice_test, says_ranges_of_a_programs_values_before_it_divides) {
  configuration own;
  own.parallel.workers = 2;
  own.parallel.micro_batches = 0;

  EXPECT_THAT(contradictions(own),
      ElementsAre("parallel.micro_batches = 0 is not from 1 to 1048576"));
}

TEST(mesh_choice_test, repeats_by_its_seed_unless_ranks_run_ahead) {
  const std::string server = "parallel.sync=parameter_server";

  EXPECT_TRUE(repeats_by_seed(mesh()));
  EXPECT_TRUE(repeats_by_seed(mesh({server})));
  EXPECT_FALSE(repeats_by_seed(mesh({server, "parallel.staleness=1"})));
  EXPECT_TRUE(bits_without_ranks(mesh({server})));
  EXPECT_FALSE(bits_without_ranks(mesh({"parallel.sync=local_sgd"})));
  EXPECT_FALSE(bits_without_ranks(mesh({"parallel.bits=fast"})));
}

TEST(mesh_choice_test, tells_people_in_a_few_words) {
  const auto how = mesh({"parallel.algorithm=ring", "parallel.zero=1",
      "optimiser.schedule=cosine", "optimiser.warmup=100"});

  EXPECT_EQ(agreement(how), "all_reduce by ring, zero 1, canonical");
  EXPECT_EQ(step_size(how), "64 samples in 8 micro-batches");
  EXPECT_EQ(descent(how), "sgd, rate 0.05, 100 steps of warmup, cosine to 0");
  EXPECT_EQ(who_trains(how), "4 ranks");
  EXPECT_EQ(unit(how), "step");
  EXPECT_EQ(agreement(mesh({"parallel.sync=parameter_server",
                "parallel.shards=2", "parallel.staleness=3"})),
      "parameter_server of 2 shards, 3 steps ahead at most, canonical");
}

TEST(mesh_choice_test, counts_memory_by_what_ranks_keep) {
  constexpr double parameters = 1e6;
  const auto bytes = [&](std::vector<std::string> settings) {
    settings.emplace_back("parallel.bits=fast");
    settings.emplace_back("optimiser.kind=adamw");
    return mesh_memory(parameters, mesh(std::move(settings))) / parameters / 4;
  };

  EXPECT_EQ(bytes({}), 16.0);
  EXPECT_EQ(bytes({"parallel.zero=1"}), 8.0 + 8.0 / 4);
  EXPECT_EQ(bytes({"parallel.zero=2"}), 4.0 + 12.0 / 4);
  EXPECT_EQ(bytes({"parallel.zero=3"}), 16.0 / 4);
}

} // namespace
} // namespace troupe
