// Whole runs on an accelerator, alone and beside a CPU, on real threads: on a
// GPU or its emulation, and where there is neither on the CPU in its place.

#include "actors/computing/accelerator.hpp"

#include <gtest/gtest.h>

#include "actors/computing/compute.hpp"
#include "gpu/layout.hpp"
#include "gpu/training/trainer.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/stage.hpp"

namespace troupe::tests {
namespace {

using gpu::device_kind;

constexpr std::size_t clients = 24;

models::model small_model() {
  return models::mlp({6, 9, 4});
}

models::model small_cnn() {
  return {.name = "small CNN",
      .shape = {1, 2, 3},
      .classes = 4,
      .layers = {models::conv2d{2, 2, 1}, models::relu{}, models::flatten{},
          models::linear{4}}};
}

// Clients of 3 to 40 samples.
std::vector<training::view> samples(
    const models::model& of, std::size_t count, std::size_t parts) {
  training::dataset set;
  set.shape = of.shape;
  set.classes = 4;
  gpu::random_stream random{3, gpu::stream::user};
  std::vector<std::uint8_t> bytes(count * 6);
  for (auto& byte : bytes)
    byte = std::uint8_t(random.below(256));
  set.features = std::move(bytes);
  for (std::size_t i = 0; i < count; ++i)
    set.labels.push_back(std::uint8_t(random.below(4)));
  training::view all{std::make_shared<const training::dataset>(std::move(set))};
  std::vector<training::view> result;
  for (std::size_t i = 0, first = 0; i < parts; ++i) {
    auto size = parts == 1 ? count : 3 + 37 * i / parts;
    result.push_back(all.slice(first, size));
    first += size;
  }
  return result;
}

gpu::shared_buffer initial_parameters(const models::model& of) {
  auto block = std::make_shared<gpu::buffer>(gpu::size(models::layout(of)));
  training::trainer(of)({})->initialise(block->span(), 1);
  return block;
}

void add_lanes(std::vector<compute_slot>& slots, caf::actor_system& system,
    const script& what, std::uint32_t lanes) {
  compute all =
      system.spawn<accelerator_impl, caf::detached>(accelerator_options{
          small_model(), test_devices().back(), lanes, what.recipe});
  for (std::uint32_t i = 0; i < lanes; ++i)
    slots.push_back({all, i, device_kind::cuda});
}

script four_rounds(const models::model& of = small_model()) {
  script s;
  s.rule = fedavg_rule(4, 0.5);
  s.clients = clients;
  s.data = samples(of, 1000, clients);
  s.test = samples(of, 217, 1).front();
  s.evaluate_every = 1;
  s.recipe.epochs = 2;
  s.recipe.batch = 7;
  s.parameters_from = initial_parameters(of);
  s.parameters = s.parameters_from->size();
  return s;
}

script on_lanes(std::uint32_t lanes) {
  auto s = four_rounds();
  s.kinds = {1, {{device_kind::cuda, lanes}}};
  s.spawn_slots = [lanes](const script& what, caf::actor_system& system) {
    std::vector<compute_slot> slots;
    add_lanes(slots, system, what, lanes);
    return slots;
  };
  return s;
}

script on_both(std::size_t cpus, std::uint32_t lanes) {
  auto s = four_rounds();
  s.kinds = {1, {{device_kind::cpu, cpus}, {device_kind::cuda, lanes}}};
  s.spawn_slots = [cpus, lanes](const script& what, caf::actor_system& system) {
    std::vector<compute_slot> slots;
    add_lanes(slots, system, what, lanes);
    for (std::size_t i = 0; i < cpus; ++i)
      slots.push_back({system.spawn<compute_impl, caf::detached>(
                           gpu::device{}, training::trainer(small_model())),
          0, device_kind::cpu});
    return slots;
  };
  return s;
}

TEST(accelerator_run_test, has_the_same_bits_with_any_number_of_lanes) {
  auto one = play(on_lanes(1));
  ASSERT_EQ(one.report.outcome, run_outcome::completed);
  EXPECT_EQ(one.report.updates, 4 * clients / 2);
  EXPECT_TRUE(one.all<facts::client_failed>().empty());

  for (std::uint32_t lanes : {1, 3, 8, 40}) {
    auto again = play(on_lanes(lanes));

    EXPECT_EQ(again.parameters(), one.parameters()) << lanes << " lanes";
    EXPECT_EQ(again.report.final.loss_sum, one.report.final.loss_sum);
    EXPECT_EQ(again.report.final.correct, one.report.final.correct);
  }
}

TEST(accelerator_run_test, shares_clients_with_a_cpu_by_the_ratio_alone) {
  auto one = play(on_both(1, 2));
  ASSERT_EQ(one.report.outcome, run_outcome::completed);
  EXPECT_EQ(one.report.updates, 4 * clients / 2);

  EXPECT_EQ(play(on_both(1, 2)).parameters(), one.parameters());
  EXPECT_EQ(play(on_both(3, 6)).parameters(), one.parameters());
}

// A learner on a device of its own stream, as a user's would be: one model, one
// client after the other.
TEST(accelerator_run_test, trains_by_learners_of_the_users_own) {
  auto s = four_rounds(small_cnn());
  const auto spawn = [](gpu::device where) {
    return [where](const script&, caf::actor_system& system) {
      std::vector<compute_slot> slots;
      for (int i = 0; i < 2; ++i)
        slots.push_back({system.spawn<compute_impl, caf::detached>(
                             where, training::trainer(small_cnn())),
            0, device_kind::cpu});
      return slots;
    };
  };
  s.spawn_slots = spawn({});
  const auto host = play(s);
  s.spawn_slots = spawn(test_devices().back());
  const auto there = play(s), again = play(s);

  ASSERT_EQ(there.report.outcome, run_outcome::completed);
  EXPECT_EQ(there.report.updates, 4 * clients / 2);
  EXPECT_TRUE(there.all<facts::client_failed>().empty());
  EXPECT_EQ(again.parameters(), there.parameters());
  const auto expected = host.parameters(), got = there.parameters();
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], expected[i], 1e-4) << i;
  EXPECT_NEAR(there.report.final.loss(), host.report.final.loss(), 1e-4);
}

TEST(accelerator_run_test, scores_as_if_it_were_alone) {
  auto both = play(on_both(2, 4));
  auto s = on_lanes(4);
  s.rule = fedavg_rule(1, 0.5);
  s.parameters_from = both.report.parameters;
  s.recipe.lr = 1e-30f; // the version stays as it is

  auto alone = play(s);

  EXPECT_EQ(alone.parameters(), both.parameters());
  EXPECT_EQ(alone.report.final.loss_sum, both.report.final.loss_sum);
}

TEST(accelerator_run_test, ends_soon_when_interrupted) {
  auto s = on_lanes(4);
  s.rule = fedavg_rule(1'000'000, 0.5);
  s.recipe.epochs = 1000;
  s.meanwhile = [](const troupe::aggregator& aggregator) {
    send_anonymously(aggregator, interrupt{});
  };

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::interrupted);
  EXPECT_EQ(run.report.slots_lost, 0u);
}

TEST(accelerator_run_test, stops_clients_that_overrun_and_goes_on) {
  auto s = on_lanes(3);
  s.rule = fedavg_rule(1, 1.0, 1, std::chrono::milliseconds{50});
  s.recipe.steps = 100'000;
  s.stop_grace = std::chrono::seconds{20};

  auto run = play(s);

  EXPECT_EQ(run.report.outcome, run_outcome::failed); // all of them overran
  EXPECT_EQ(run.report.slots_lost, 0u);
  EXPECT_EQ(run.all<facts::client_failed>().size(), clients);
  for (const auto& each : run.all<facts::client_failed>())
    EXPECT_EQ(each.why, "no update within 0.05 s");
}

} // namespace
} // namespace troupe::tests
