#include "runtime/topology.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

namespace troupe {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

training::shared_dataset numbers(
    std::size_t count, std::size_t width = 4, std::size_t classes = 2) {
  training::dataset result{{width}, classes, std::vector<float>(count * width),
      std::vector<std::uint8_t>(count)};
  for (std::size_t i = 0; i < count; ++i)
    result.labels[i] = static_cast<std::uint8_t>(i % classes);
  return std::make_shared<const training::dataset>(std::move(result));
}

topology small() {
  return topology{"small"}
      .seed(3)
      .model(models::mlp({4, 3, 2}))
      .aggregator(fedavg{.fraction = 0.5})
      .clients(6, sgd{.lr = 0.1f}, local{.epochs = 2, .batch = 5},
          data::dirichlet(numbers(60), 0.25))
      .evaluate(numbers(20), every{5})
      .until(rounds{8});
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

TEST(topology_test, keeps_what_it_was_composed_of_as_a_configuration) {
  auto config = small().config();

  configuration expected;
  expected.run.name = "small";
  expected.run.seed = 3;
  expected.run.rounds = 8;
  expected.run.evaluate_every = 5;
  expected.data.set = "own";
  expected.data.partition = "dirichlet";
  expected.data.alpha = 0.25;
  expected.model.layers = {4, 3, 2};
  expected.federation.clients = 6;
  choose_rule(expected, fedavg{.fraction = 0.5});
  expected.client.epochs = 2;
  expected.client.batch = 5;
  expected.client.lr = 0.1f;
  EXPECT_EQ(config, expected);
}

TEST(topology_test, takes_the_other_rule_and_other_ends) {
  auto config = small()
                    .aggregator(fedbuff{.buffer = 3, .concurrency = 4})
                    .until(versions{20})
                    .until(accuracy{0.9})
                    .slots(2)
                    .config();

  EXPECT_EQ(config.federation.rule, "fedbuff");
  EXPECT_EQ(options_of<fedbuff>(config).buffer, 3u);
  EXPECT_EQ(options_of<fedbuff>(config).concurrency, 4u);
  EXPECT_EQ(config.federation.weighting, "uniform");
  EXPECT_EQ(config.run.rounds, 20u);
  EXPECT_EQ(config.run.target_accuracy, 0.9);
  EXPECT_EQ(config.compute.slots, 2u);
}

/// FedAvg over everybody, under another name.
federated::rule everybody(const federated::settings& common) {
  return federated::fedavg{common, 1.0};
}

TEST(topology_test, takes_a_rule_of_the_users_own) {
  auto what = small().aggregator(everybody, "everybody", "round");

  EXPECT_THAT(what.problems(), IsEmpty());
  EXPECT_EQ(what.config().federation.rule, "everybody");
  EXPECT_EQ(what.unit(), "round");
  auto common = what.rule().common();
  EXPECT_EQ(common.seed, 3u);
  EXPECT_EQ(common.rounds, 8u);
  EXPECT_TRUE(common.weigh_samples);
  common = what.with({"federation.min_updates=2"}).rule().common();
  EXPECT_EQ(common.min_updates, 2u);
}

TEST(topology_test, reads_back_the_configuration_of_a_rule_of_its_own) {
  auto config = small().aggregator(everybody, "everybody").config();

  auto read = parse_effective_configuration(to_toml(config), "config.toml");

  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_EQ(read.value, config);
}

TEST(topology_test, keeps_its_own_rule_against_settings) {
  auto what = small().aggregator(everybody, "everybody");

  EXPECT_EQ(refusal(what, {"federation.rule=fedavg"}),
      "--set: federation.rule cannot be set: this program brings its own");
  EXPECT_THAT(refusal(what, {"federation.fraction=0.5"}),
      HasSubstr("is for federation.rule = \"fedavg\" alone"));
}

TEST(topology_test, makes_one_of_troupes_rules_where_it_was_chosen_last) {
  auto what = small()
                  .aggregator(everybody, "everybody", "round")
                  .aggregator(fedbuff{.buffer = 3, .concurrency = 4});

  EXPECT_EQ(what.unit(), "version");
  EXPECT_EQ(what.config().federation.rule, "fedbuff");
  EXPECT_THAT(what.problems(), IsEmpty());
  EXPECT_EQ(refusal(what, {"federation.rule=fedavg"}), "nothing refused");
}

TEST(topology_test, names_a_rule_that_is_nobodys) {
  configuration what;
  what.federation.rule = "nobodys";
  what.data.set = "synthetic";

  EXPECT_THAT(from(what).problems(),
      ElementsAre(HasSubstr("\"nobodys\" is no rule that there is")));
}

TEST(topology_test, is_sound_when_everything_fits) {
  EXPECT_THAT(small().problems(), IsEmpty());
}

TEST(topology_test, divides_all_samples_among_its_clients) {
  auto clients = small().client_data();

  ASSERT_THAT(clients, SizeIs(6));
  std::vector<std::uint32_t> owned;
  for (const auto& each : clients)
    for (std::size_t i = 0; i < each.size(); ++i)
      owned.push_back(each.index(i));
  std::sort(owned.begin(), owned.end());
  ASSERT_THAT(owned, SizeIs(60));
  EXPECT_EQ(std::unique(owned.begin(), owned.end()), owned.end());
}

TEST(topology_test, divides_differently_for_another_seed) {
  auto indices = [](const topology& what) {
    std::vector<std::uint32_t> result;
    for (const auto& each : what.client_data())
      for (std::size_t i = 0; i < each.size(); ++i)
        result.push_back(each.index(i));
    return result;
  };

  EXPECT_EQ(indices(small()), indices(small()));
  EXPECT_NE(indices(small()), indices(small().seed(4)));
}

TEST(topology_test, gives_clients_the_views_they_came_with) {
  training::view all{numbers(10)};
  auto what = small().clients({all.slice(0, 3), all.slice(3, 7)}, {}, {});

  auto clients = what.client_data();

  EXPECT_EQ(what.config().federation.clients, 2u);
  ASSERT_THAT(clients, SizeIs(2));
  EXPECT_EQ(clients[0].size(), 3u);
  EXPECT_EQ(clients[1].size(), 7u);
}

TEST(topology_test, gives_empty_views_to_clients_whose_learner_has_data) {
  auto what = small().clients(5);

  EXPECT_THAT(what.client_data(), SizeIs(5));
  EXPECT_THAT(what.client_data(),
      Each(testing::Property(&training::view::empty, true)));
}

TEST(topology_test, names_a_model_that_does_not_fit_the_data) {
  auto wide = small().model(models::mlp({5, 2}));
  auto narrow = small().model(models::mlp({4, 1}));
  auto image = small().model(models::lenet5());

  EXPECT_THAT(wide.problems(),
      ElementsAre("model.layers begins with 5, but a sample has 4 values"));
  EXPECT_THAT(narrow.problems(),
      ElementsAre("model.layers ends with 1, but there are 2 classes"));
  EXPECT_THAT(image.problems(),
      ElementsAre("model.kind = \"lenet5\" is for samples of 1 x 28 x 28, but "
                  "the data's are 4"));
}

training::shared_dataset images(std::vector<std::size_t> shape) {
  auto set = *numbers(60, 784);
  set.shape = std::move(shape);
  return std::make_shared<const training::dataset>(std::move(set));
}

// A run would fail with every client of such data.
TEST(topology_test, names_samples_of_other_sides) {
  auto of = [](std::vector<std::size_t> shape) {
    return small()
        .model(models::lenet5())
        .clients(6, {}, {}, data::iid(images(shape)))
        .evaluate(images(shape))
        .problems();
  };

  EXPECT_THAT(of({1, 28, 28}), IsEmpty());
  EXPECT_THAT(of({28, 28, 1}), IsEmpty());
  EXPECT_THAT(of({784}), IsEmpty());
  EXPECT_THAT(of({1, 14, 56}),
      ElementsAre("model.kind = \"lenet5\" is for samples of 1 x 28 x 28, but "
                  "the data's are 1 x 14 x 56"));
}

TEST(topology_test, refuses_initial_parameters_that_are_not_finite) {
  for (auto value : {std::numeric_limits<float>::quiet_NaN(),
           -std::numeric_limits<float>::infinity()}) {
    gpu::buffer block{23};
    std::fill(block.span().begin(), block.span().end(), 0.5f);
    block.span()[16] = value;
    auto what = small().start_from(
        std::make_shared<const gpu::buffer>(std::move(block)));

    EXPECT_THAT(what.problems({{"model.init", "run.toml:9"}}),
        ElementsAre(testing::MatchesRegex(
            "run.toml:9: model.init has (nan|-inf) as value 1 of tensor "
            "\"fc2.weight\"; training starts from finite values alone")));
  }
}

TEST(topology_test, names_the_line_that_asked_for_such_a_model) {
  auto found = small()
                   .model(models::mlp({5, 2}))
                   .problems({{"model.layers", "run.toml:9"}});

  EXPECT_THAT(found, testing::Contains(testing::StartsWith(
                         "run.toml:9: model.layers begins with 5")));
}

TEST(topology_test, refuses_more_clients_than_samples) {
  auto what = small().clients(61, {}, {}, data::iid(numbers(60)));

  EXPECT_THAT(what.problems(),
      ElementsAre("federation.clients = 61 is more than the 60 samples there "
                  "are to share"));
}

TEST(topology_test, refuses_more_shards_than_samples) {
  auto what = small().clients(6, {}, {}, data::shards(numbers(60), 11));

  EXPECT_THAT(what.problems(),
      ElementsAre("data.shards_per_client = 11 makes more shards for 6 clients "
                  "than there are samples, 60"));
}

TEST(topology_test, says_which_value_is_a_default) {
  auto what = small().clients(61, {}, {}, data::iid(numbers(60)));

  EXPECT_THAT(what.problems({{"data.set", "run.toml:2"}}),
      ElementsAre("federation.clients = 61 (the default) is more than the 60 "
                  "samples there are to share"));
}

TEST(topology_test, refuses_no_shards_at_all) {
  auto what = small().clients(6, {}, {}, data::shards(numbers(60), 0));

  EXPECT_THAT(what.problems(),
      ElementsAre("data.shards_per_client = 0 is not from 1 to 1000000"));
}

TEST(topology_test, looks_at_the_data_of_every_client) {
  auto what = small().clients(
      {training::view{numbers(9)}, training::view{numbers(9, 5)},
          training::view{numbers(9, 5)}},
      {}, {});

  EXPECT_THAT(what.data_sets(), SizeIs(4));
  EXPECT_THAT(what.problems(),
      ElementsAre("model.layers begins with 4, but a sample has 5 values"));
}

TEST(topology_test, refuses_initial_parameters_of_another_model) {
  auto what = small().start_from(std::make_shared<const gpu::buffer>(7));

  EXPECT_THAT(what.problems(),
      ElementsAre("model.init has 7 parameters, but the model has 23"));
}

TEST(topology_test, refuses_more_ranges_of_a_model_than_parameters) {
  EXPECT_THAT(small().shards(23).problems(), IsEmpty());
  EXPECT_THAT(small().shards(24).problems(),
      ElementsAre("federation.shards = 24 is more than the 23 parameters of "
                  "the model: each shard owns some"));
}

TEST(topology_test, refuses_values_that_no_file_could_have_either) {
  auto what = small().clients(
      6, sgd{.lr = -1.0f, .momentum = 1.0f}, {}, data::iid(numbers(60)));

  EXPECT_THAT(what.problems(),
      ElementsAre("client.lr = -1.0 is not from above 0 to 3.4028235e+38",
          "client.momentum = 1.0 is not from 0 to below 1"));
}

TEST(topology_test, refuses_a_gpu_where_there_is_none) {
  for (const auto& each : gpu::devices())
    if (each.where.kind == gpu::device_kind::cuda)
      GTEST_SKIP() << "there is a GPU here";

  EXPECT_THAT(small().with({"compute.device=cuda"}).problems(),
      ElementsAre(HasSubstr("compute.device = \"cuda\" asks for a GPU")));
}

TEST(topology_test, takes_devices_and_their_slots) {
  auto config = small()
                    .devices({"cpu", "cuda:0"})
                    .slots({{"cpu", 2}, {"cuda:0", 4}})
                    .config();

  EXPECT_THAT(config.compute.devices, ElementsAre("cpu", "cuda:0"));
  EXPECT_EQ(config.compute.slots.of("cuda:0"), 4u);
  EXPECT_EQ(config.compute.slots.of("cpu"), 2u);
}

TEST(topology_test, refuses_to_weigh_by_samples_that_it_cannot_count) {
  auto learner = [](gpu::device) -> std::unique_ptr<training::learner> {
    return nullptr;
  };
  auto what = small().learner(learner, "own").clients(5);

  EXPECT_THAT(what.problems(), ElementsAre(HasSubstr("use \"uniform\"")));
  EXPECT_THAT(
      what.with({"federation.weighting=uniform"}).problems(), IsEmpty());
}

TEST(topology_test, refuses_to_have_nothing_to_train) {
  EXPECT_THAT(topology{"empty"}.clients(5).problems(),
      testing::Contains(HasSubstr("has nothing to train")));
}

TEST(topology_test, refuses_a_target_that_nothing_measures) {
  EXPECT_THAT(small().evaluate({}).until(accuracy{0.5}).problems(),
      ElementsAre(HasSubstr("run.target_accuracy needs a test set")));
}

TEST(topology_test, takes_settings_before_it_divides) {
  auto what = small().with(
      {"federation.clients=10", "run.seed=9", "data.partition=iid"});

  EXPECT_THAT(what.client_data(), SizeIs(10));
  EXPECT_EQ(what.config().run.seed, 9u);
}

TEST(topology_test, says_how_clients_train_and_in_which_order_they_count) {
  auto some = topology{"some"};
  EXPECT_EQ(some.clients(3, sgd{.lr = 0.5f}).config().client.method, "sgd");
  EXPECT_EQ(some.config().run.order, "arrival");

  const auto proximal =
      some.clients(3, fedprox{.lr = 0.25f, .mu = 0.75f}).config().client;
  EXPECT_EQ(proximal.method, "fedprox");
  EXPECT_EQ(proximal.lr, 0.25f);
  EXPECT_EQ(proximal.pull(), 0.75f);

  const auto nova = some.clients(3, fednova{.momentum = 0.5f}).config().client;
  EXPECT_EQ(nova.method, "fednova");
  EXPECT_EQ(nova.momentum, 0.5f);
  EXPECT_EQ(nova.pull(), 0.0f);

  const auto timed = some.clients(3, sgd{}, {.seconds = 2.0f}).config().client;
  EXPECT_EQ(timed.seconds, 2.0f);
  EXPECT_EQ(timed.epochs, 1u);

  const auto varied =
      some.clients(3, scaffold{.momentum = 0.5f}).config().client;
  EXPECT_EQ(varied.method, "scaffold");
  EXPECT_EQ(varied.momentum, 0.5f);
  EXPECT_TRUE(varied.keeps_variates());
  const auto dynamic = some.clients(3, feddyn{.alpha = 0.5f}).config().client;
  EXPECT_EQ(dynamic.method, "feddyn");
  EXPECT_EQ(dynamic.pull(), 0.5f);

  some.order(virtual_clock{.spread = 2.0});
  EXPECT_EQ(some.config().run.order, "virtual");
  EXPECT_EQ(some.config().clock.spread, 2.0);
}

TEST(topology_test, refuses_settings_for_what_the_program_brings) {
  EXPECT_EQ(refusal(small(), {"model.kind=cnn"}),
      "--set: model.kind cannot be set: this program brings its own");
  EXPECT_EQ(refusal(small(), {"data.path=x"}),
      "--set: data.path cannot be set: this program brings its own");
  EXPECT_EQ(refusal(small().clients(5), {"federation.clients=6"}),
      "--set: federation.clients cannot be set: this program brings its own");
  EXPECT_EQ(refusal(small(), {"client.lr=fast"}),
      "--set: client.lr = \"fast\" is not a number from above 0 to "
      "3.4028235e+38");
}

} // namespace
} // namespace troupe
