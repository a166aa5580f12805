#include "runtime/topology.hpp"

#include "runtime/configuration/mesh_choice.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

training::shared_dataset numbers(std::size_t count) {
  training::dataset result{
      {4}, 2, std::vector<float>(count * 4), std::vector<std::uint8_t>(count)};
  for (std::size_t i = 0; i < count; ++i)
    result.labels[i] = static_cast<std::uint8_t>(i % 2);
  return std::make_shared<const training::dataset>(std::move(result));
}

topology bare() {
  return topology{"small"}.seed(3).model(models::mlp({4, 3, 2}));
}
topology small() {
  return bare()
      .workers(4, adamw{.lr = 3e-4f, .weight_decay = 0.1f},
          all_reduce{.batch = 32, .micro_batches = 4}, numbers(60))
      .evaluate(numbers(20), every{5})
      .until(steps{40});
}

std::string refusal(
    const topology& what, const std::vector<std::string>& settings) {
  try {
    what.with(settings);
  } catch (const configuration_error& error) {
    return error.what();
  }
  return "nothing refused";
}

TEST(mesh_test, is_kept_as_the_configuration_that_a_file_would_have) {
  auto expected = parse_configuration(R"([run]
name = "small"
seed = 3
steps = 40
evaluate_every = 5
[model]
layers = [4, 3, 2]
[parallel]
workers = 4
batch = 32
micro_batches = 4
[optimiser]
kind = "adamw"
lr = 3e-4
weight_decay = 0.1
)",
      "mlp.toml")
                      .value;
  expected.data.set = "own";

  EXPECT_EQ(to_toml(small().config()), to_toml(expected));
  EXPECT_EQ(small().config(), expected);
}

TEST(mesh_test, is_sound_and_counts_steps) {
  EXPECT_THAT(small().problems(), IsEmpty());
  EXPECT_EQ(small().unit(), "step");
}

TEST(mesh_test, divides_nothing) {
  const auto what = small();

  EXPECT_EQ(what.training_data().size(), 60u);
  ASSERT_EQ(what.client_data().size(), 1u);
  EXPECT_EQ(what.client_data().front().size(), 60u);
  EXPECT_EQ(what.left_out(what.client_data()), 0u);
  EXPECT_EQ(what.data_sets().size(), 2u);
}

TEST(mesh_test, agrees_as_it_is_told) {
  const auto with = [](const sync_choice& how) {
    return bare().workers(4, sgd{}, how, numbers(64)).config().parallel;
  };

  EXPECT_EQ(with(zero{2}).zero, 2u);
  EXPECT_EQ(with(zero{2}).sync, "all_reduce");
  EXPECT_EQ(with(local_sgd{.every = 16}).every, 16u);
  EXPECT_EQ(with(local_sgd{}).sync, "local_sgd");
  EXPECT_EQ(with(diloco{.outer_lr = 1.0}).outer_lr, 1.0);
  EXPECT_EQ(with(gossip{.pairs = "random"}).pairs, "random");
  EXPECT_EQ(with(all_reduce{.bits = "fast"}).bits, "fast");
}

TEST(mesh_test, agrees_through_shards) {
  const auto through = [](const staleness_choice& bound) {
    const auto what = small().parameter_server(shards{2}, bound);
    EXPECT_EQ(what.config().parallel.sync, "parameter_server");
    EXPECT_EQ(what.config().parallel.shards, 2u);
    EXPECT_EQ(what.config().parallel.batch, 32u);
    return what.config().parallel.staleness;
  };

  EXPECT_EQ(through(bsp{}), "0");
  EXPECT_EQ(through(ssp{3}), "3");
  EXPECT_EQ(through(asp{}), "any");
  EXPECT_THAT(
      small().parameter_server(shards{2}, ssp{3}).problems(), IsEmpty());
  EXPECT_THAT(small().parameter_server(shards{64}).problems(),
      ElementsAre(HasSubstr("parallel.shards = 64 is more than the 23 "
                            "parameters of the model")));
}

TEST(mesh_test, descends_as_it_is_told) {
  const auto what = small()
                        .optimiser(nesterov{.lr = 0.1f, .clip = 2.0f})
                        .rate(cosine{.warmup = 10, .floor = 0.5})
                        .config();

  EXPECT_EQ(what.optimiser.kind, "sgd");
  EXPECT_EQ(what.optimiser.lr, 0.1);
  EXPECT_EQ(what.optimiser.momentum, 0.9);
  EXPECT_EQ(what.optimiser.clip, 2.0);
  EXPECT_TRUE(what.optimiser.nesterov);
  EXPECT_EQ(what.optimiser.schedule, "cosine");
  EXPECT_EQ(plan_of(what).optimiser.rate,
      (gpu::rate_schedule{gpu::decay::cosine, 10, 40, 0.5}));
}

TEST(mesh_test, scores_now_and_then_where_nothing_is_said) {
  const auto early = bare().evaluate(numbers(20)).workers(2);
  const auto late = bare().workers(2).evaluate(numbers(20));
  const auto said = bare().evaluate(numbers(20), every{10}).workers(2);

  EXPECT_EQ(early.config().run.evaluate_every, mesh_evaluates_every);
  EXPECT_EQ(late.config().run.evaluate_every, mesh_evaluates_every);
  EXPECT_EQ(said.config().run.evaluate_every, 10u);
}

TEST(mesh_test, takes_settings_but_stays_a_mesh) {
  EXPECT_EQ(small().with({"parallel.workers=2"}).config().parallel.workers, 2u);
  EXPECT_EQ(refusal(small(), {"parallel.workers=0"}),
      "--set: parallel.workers = 0 cannot be set: this program composes a "
      "mesh");
  EXPECT_THAT(refusal(small(), {"client.lr=0.1"}),
      HasSubstr("--set: client.lr = 0.1 is a federation's; a mesh "
                "(parallel.workers = 4) has optimiser.lr"));
  EXPECT_THAT(refusal(small(), {"parallel.batch=33"}),
      HasSubstr("does not divide parallel.batch = 33"));
}

TEST(mesh_test, is_no_federation_beside) {
  EXPECT_THAT(small().aggregator(fedbuff{.buffer = 3}).problems(),
      testing::Contains(HasSubstr("federation.rule = \"fedbuff\" is a "
                                  "federation's; a mesh (parallel.workers = 4) "
                                  "has parallel.sync")));
  EXPECT_THAT(small().until(rounds{8}).problems(),
      ElementsAre(
          "run.rounds = 8 is a federation's; a mesh (parallel.workers = "
          "4) has run.steps"));
  EXPECT_THAT(small().optimiser(sgd{.lr_decay = 0.9f}).problems(),
      ElementsAre(HasSubstr("client.lr_decay = 0.9 is a federation's; a mesh "
                            "(parallel.workers = 4) has optimiser.schedule")));
  EXPECT_THAT(bare()
                  .clients(6, sgd{}, local{}, data::iid(numbers(60)))
                  .until(steps{5})
                  .problems(),
      ElementsAre("run.steps = 5 is a mesh's; a federation (parallel.workers = "
                  "0) has run.rounds"));
  EXPECT_THAT(small().residents().problems(),
      testing::Contains(HasSubstr("federation.residents = true is a")));
}

TEST(mesh_test, needs_a_model_and_data) {
  EXPECT_THAT(bare().workers(2).problems(),
      ElementsAre("a mesh needs data: give .workers() some"));
  EXPECT_THAT(topology{"none"}.workers(2, sgd{}, {}, numbers(60)).problems(),
      ElementsAre(HasSubstr("nothing to train")));
  const auto own = [](gpu::device) {
    return std::unique_ptr<training::learner>{};
  };
  EXPECT_THAT(topology{"own"}
                  .learner(own, "k-means")
                  .workers(2, sgd{}, {}, numbers(60))
                  .problems(),
      ElementsAre(HasSubstr("k-means is a learner of the program's own")));
}

TEST(mesh_test, names_the_gradient_that_no_device_makes) {
  EXPECT_THAT(small().devices({"cuda:7"}).problems(),
      ElementsAre(HasSubstr("cuda:7, which is not here")));
}

} // namespace
} // namespace troupe
