// What a mesh must be equal to: one rank that does it all, whoever else does
// it, however they agree, and whoever dies meanwhile.

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gmock/gmock.h>

#include "actors/parallel/standing.hpp"
#include "tests/runtime/parallel/some_mesh.hpp"

namespace troupe::tests {
namespace {

using collective::algorithm;
using parallel::plan;
using parallel::sync;

gpu::optimiser_options plain_sgd(float lr = 0.1f) {
  gpu::optimiser_options result;
  result.kind = gpu::optimiser_options::rule::sgd;
  result.lr = lr;
  return result;
}

gpu::optimiser_options adamw() {
  gpu::optimiser_options result;
  result.lr = 0.01f;
  result.weight_decay = 0.1f;
  result.clip = 0.5f;
  result.rate = {gpu::decay::cosine, 3, 20, 0.1};
  return result;
}

plan all_reduce(gpu::optimiser_options by = adamw()) {
  plan result;
  result.batch = 48;
  result.micro_batches = 8;
  result.optimiser = by;
  return result;
}

plan parameter_server(std::uint32_t shards, std::optional<std::uint64_t> s = 0,
    gpu::optimiser_options by = adamw()) {
  auto result = all_reduce(by);
  result.how = sync::parameter_server;
  result.shards = shards;
  result.staleness = s;
  return result;
}

std::vector<float> trained(const plan& how, std::uint32_t ranks,
    std::uint64_t steps = 20, joined_by by = joined_by::process) {
  const auto result =
      play({.how = how, .ranks = ranks, .steps = steps, .by = by});
  EXPECT_EQ(result.report.outcome, run_outcome::completed)
      << text(result.report.why);
  EXPECT_EQ(result.report.version, steps);
  return result.parameters;
}

double largest_difference(
    const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double result = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    result = std::max(result, std::abs(double(a[i]) - double(b[i])));
  return result;
}

TEST(mesh_test, has_the_same_bits_for_any_number_of_ranks) {
  const auto alone = trained(all_reduce(), 1);

  for (const auto ranks : {2u, 3u, 4u, 8u})
    EXPECT_EQ(trained(all_reduce(), ranks), alone) << ranks;
}

TEST(mesh_test, has_the_same_bits_by_any_algorithm) {
  const auto alone = trained(all_reduce(), 1);

  for (const auto by : {algorithm::direct, algorithm::ring,
           algorithm::halving_doubling, algorithm::bcube}) {
    auto how = all_reduce();
    how.by = by;
    EXPECT_EQ(trained(how, 4), alone) << collective::to_string(by);
  }
}

TEST(mesh_test, has_the_same_bits_over_any_wire) {
  const auto alone = trained(all_reduce(), 1);

  for (const auto by : {joined_by::memory, joined_by::tcp, joined_by::tls}) {
    auto zero = all_reduce();
    zero.zero = 1;
    for (const auto ranks : {2u, 3u}) {
      EXPECT_EQ(trained(all_reduce(), ranks, 20, by), alone)
          << to_string(by) << ' ' << ranks;
      EXPECT_EQ(trained(zero, ranks, 20, by), alone)
          << to_string(by) << ' ' << ranks;
    }
    EXPECT_EQ(trained(parameter_server(2), 2, 20, by), alone) << to_string(by);
    auto fast = all_reduce();
    fast.canonical = false;
    EXPECT_LT(largest_difference(trained(fast, 3, 20, by), alone), 1e-5)
        << to_string(by);
  }
}

TEST(mesh_test, has_the_same_bits_where_exchanges_overlap_the_backward_pass) {
  const auto parameters = [](std::uint32_t ranks, joined_by by,
                              bool canonical) {
    auto how = all_reduce();
    how.canonical = canonical;
    return play({.how = how, .ranks = ranks, .hidden = 300, .by = by})
        .parameters;
  };
  const auto alone = parameters(1, joined_by::process, true);

  for (const auto ranks : {2u, 3u})
    EXPECT_EQ(parameters(ranks, joined_by::tcp, true), alone) << ranks;
  EXPECT_EQ(parameters(2, joined_by::tcp, false),
      parameters(2, joined_by::process, false));
}

TEST(mesh_test, adds_as_they_come_to_rounding) {
  const auto alone = trained(all_reduce(), 1);
  auto how = all_reduce();
  how.canonical = false;

  for (const auto ranks : {1u, 2u, 3u})
    EXPECT_LT(largest_difference(trained(how, ranks), alone), 1e-5) << ranks;
  how.micro_batches = 1;
  EXPECT_LT(largest_difference(trained(how, 1), alone), 1e-5);
}

TEST(mesh_test, shards_what_the_optimiser_keeps_without_another_bit) {
  const auto alone = trained(all_reduce(), 1);

  for (const auto ranks : {1u, 2u, 3u, 4u}) {
    auto how = all_reduce();
    how.zero = 1;
    EXPECT_EQ(trained(how, ranks), alone) << ranks;
  }
}

TEST(mesh_test, has_the_same_bits_through_shards_that_wait_for_all) {
  const auto alone = trained(all_reduce(), 1);

  for (const auto shards : {1u, 2u, 3u})
    for (const auto ranks : {1u, 2u, 3u})
      EXPECT_EQ(trained(parameter_server(shards), ranks), alone)
          << shards << ' ' << ranks;
}

// What is more than a ring of memory holds waits for whoever is to take it.
TEST(mesh_test, passes_large_ranges_through_one_shard) {
  auto how = all_reduce();
  const auto parameters = [](const plan& by) {
    return play({.how = by, .ranks = 2, .steps = 6, .hidden = 400}).parameters;
  };
  const auto alone = parameters(how);

  EXPECT_EQ(parameters(parameter_server(1)), alone);
  EXPECT_EQ(
      parameters(parameter_server(1, {}, plain_sgd())).size(), alone.size());
}

TEST(mesh_test, learns_through_shards_that_do_not_wait) {
  const auto by = plain_sgd();
  auto moving = by;
  moving.momentum = 0.9f;
  for (const auto staleness :
      {std::optional<std::uint64_t>{2}, std::optional<std::uint64_t>{}})
    for (const auto& how : {parameter_server(2, staleness, by),
             parameter_server(2, staleness, moving)}) {
      const auto result =
          play({.how = how, .ranks = 3, .steps = 60, .evaluate_every = 20});

      EXPECT_EQ(result.report.outcome, run_outcome::completed);
      EXPECT_GT(result.report.best_accuracy, 0.6);
    }
}

TEST(mesh_test, goes_on_with_the_same_bits_when_a_shard_dies) {
  const auto alone = trained(all_reduce(), 1, 40);

  for (const auto victim : {0u, 3u}) {
    bool done = false;
    some_mesh what{.how = parameter_server(2),
        .ranks = 2,
        .steps = 40,
        .checkpoint_every = 10};
    what.on_fact = [&](const fact& one, const auto& ranks, const auto&) {
      const auto* made = std::get_if<facts::stepped>(&one.what);
      if (done || !made || made->last < 15)
        return;
      done = true;
      caf::anon_send_exit(ranks[victim], caf::exit_reason::kill);
    };
    const auto result = play(what);

    EXPECT_EQ(result.report.outcome, run_outcome::completed);
    EXPECT_EQ(result.parameters, alone) << victim;
  }
}

TEST(mesh_test, agrees_on_parameters_as_on_gradients_after_each_step) {
  auto by = plain_sgd();
  by.momentum = 0.9f;
  by.weight_decay = 0.01f;
  const auto gradients = trained(all_reduce(by), 4);
  auto how = all_reduce(by);
  how.how = sync::local_sgd;
  how.every = 1;

  EXPECT_LT(largest_difference(trained(how, 4), gradients), 1e-6);
  EXPECT_LT(largest_difference(trained(how, 3), gradients), 1e-6);
}

TEST(mesh_test, averages_where_the_outer_step_is_whole) {
  auto how = all_reduce(plain_sgd());
  how.how = sync::local_sgd;
  how.every = 2;
  const auto averaged = trained(how, 4);
  how.how = sync::diloco;
  how.outer_lr = 1.0f;
  how.outer_momentum = 0.0f;

  EXPECT_LT(largest_difference(trained(how, 4), averaged), 1e-6);
}

TEST(mesh_test, gossips_in_pairs_until_all_are_alike) {
  for (const auto pairs :
      {parallel::pairing::ring, parallel::pairing::random}) {
    auto how = all_reduce(plain_sgd());
    how.how = sync::gossip;
    how.pairs = pairs;
    const auto two = trained(how, 2);

    // Two ranks that average after each step are local SGD of one step.
    auto other = how;
    other.how = sync::local_sgd;
    other.every = 1;
    if (pairs == parallel::pairing::random) {
      EXPECT_LT(largest_difference(two, trained(other, 2)), 1e-6);
    }
    EXPECT_EQ(trained(how, 5).size(), two.size());
  }
}

std::uint64_t bytes_a_step(const plan& how, std::uint32_t ranks, joined_by by) {
  constexpr std::uint64_t steps = 6;
  const auto result =
      play({.how = how, .ranks = ranks, .steps = steps, .by = by});
  std::uint64_t bytes = 0;
  for (const auto& one : result.all<facts::stepped>())
    bytes += one.bytes;
  EXPECT_EQ(bytes % steps, 0u);
  return bytes / steps;
}

// With S bytes of parameters and one micro-batch a rank, over all n ranks:
// 2 (n - 1) S, of gradients there and back; with shards of the state as many,
// and the norms of tiles; through k shards 2 n S, and a step's number to each.
TEST(mesh_test, sends_what_the_formula_says) {
  constexpr std::uint64_t values = 12 * 9 + 9 + 9 * 3 + 3, tiles = 4;
  constexpr auto size = 4 * values;
  for (const auto by : {joined_by::process, joined_by::tcp})
    for (const auto n : {2u, 4u}) {
      SCOPED_TRACE(n);
      auto how = all_reduce();
      how.micro_batches = n;
      how.canonical = false;
      how.by = algorithm::ring;
      EXPECT_EQ(bytes_a_step(how, n, by), 2 * (n - 1) * size);
      how.zero = 1;
      EXPECT_EQ(
          bytes_a_step(how, n, by), 2 * (n - 1) * size + (n - 1) * 8 * tiles);
      how.canonical = true;
      EXPECT_EQ(
          bytes_a_step(how, n, by), 2 * (n - 1) * size + (n - 1) * 8 * tiles);
    }
}

TEST(mesh_test, goes_on_with_the_same_bits_when_a_rank_dies) {
  const auto alone = trained(all_reduce(), 1, 40);

  for (const auto victim : {0u, 2u})
    for (const auto after : {0u, 7u, 20u}) {
      bool done = false;
      some_mesh what{.how = all_reduce(), .ranks = 3, .steps = 40};
      what.on_fact = [&](const fact& one, const auto& ranks, const auto&) {
        const auto* made = std::get_if<facts::stepped>(&one.what);
        if (done || !made || made->last < after)
          return;
        done = true;
        caf::anon_send_exit(ranks[victim], caf::exit_reason::kill);
      };
      const auto result = play(what);

      EXPECT_EQ(result.report.outcome, run_outcome::completed);
      EXPECT_EQ(result.parameters, alone) << victim << ' ' << after;
      EXPECT_EQ(result.all<facts::rank_lost>().size(), 1u);
    }
}

TEST(mesh_test, goes_back_to_what_was_kept_where_ranks_have_shards) {
  const auto alone = trained(all_reduce(), 1, 40);
  bool done = false;
  auto how = all_reduce();
  how.zero = 2;
  some_mesh what{.how = how, .ranks = 3, .steps = 40, .checkpoint_every = 10};
  what.on_fact = [&](const fact& one, const auto& ranks, const auto&) {
    const auto* made = std::get_if<facts::stepped>(&one.what);
    if (done || !made || made->last < 15)
      return;
    done = true;
    caf::anon_send_exit(ranks[1], caf::exit_reason::kill);
  };
  const auto result = play(what);

  EXPECT_EQ(result.report.outcome, run_outcome::completed);
  EXPECT_EQ(result.parameters, alone);
}

TEST(mesh_test, goes_on_from_what_was_kept) {
  const auto alone = trained(all_reduce(), 1, 30);
  for (const auto zero : {0u, 1u}) {
    auto how = all_reduce();
    how.zero = zero;
    const auto half = play({.how = how, .ranks = 2, .steps = 13});
    some_mesh rest{.how = how, .ranks = 3, .steps = 30};
    rest.from = {13, half.report.parameters, half.blocks};

    EXPECT_EQ(play(rest).parameters, alone) << zero;
  }
}

TEST(mesh_test, scores_every_so_many_steps_and_at_the_end) {
  const auto result = play(
      {.how = all_reduce(), .ranks = 3, .steps = 25, .evaluate_every = 10});

  std::vector<version_id> scored;
  for (const auto& one : result.all<facts::evaluated>()) {
    scored.push_back(one.version);
    EXPECT_EQ(one.samples, 96u);
  }
  EXPECT_THAT(scored, testing::ElementsAre(10, 20, 25));
  EXPECT_TRUE(result.report.scored);
  EXPECT_GT(result.report.best_accuracy, 0.6);
}

TEST(mesh_test, ends_where_the_target_is_reached) {
  const auto result = play({.how = all_reduce(),
      .ranks = 2,
      .steps = 1000,
      .evaluate_every = 5,
      .target_accuracy = 0.6});

  EXPECT_EQ(result.report.outcome, run_outcome::target_reached);
  EXPECT_LT(result.report.version, 1000u);
  EXPECT_EQ(result.stored.back(), result.report.version);
}

TEST(mesh_test, stops_soon_and_keeps_what_it_has) {
  some_mesh what{.how = all_reduce(), .ranks = 2, .steps = 10'000'000};
  what.on_fact = [&](const fact& one, const auto&, const auto& head) {
    if (std::holds_alternative<facts::mesh_formed>(one.what))
      send_anonymously(head, interrupt{});
  };
  const auto result = play(what);

  EXPECT_EQ(result.report.outcome, run_outcome::interrupted);
  if (result.report.version > 0)
    EXPECT_EQ(
        result.parameters, trained(all_reduce(), 1, result.report.version));
}

TEST(mesh_test, fails_by_name_where_a_gradient_is_not_finite) {
  some_mesh what{.how = all_reduce(), .ranks = 3, .steps = 20};
  what.bad_feature = std::numeric_limits<double>::infinity();
  const auto result = play(what);

  EXPECT_EQ(result.report.outcome, run_outcome::failed);
  EXPECT_THAT(text(result.report.why), testing::HasSubstr("is not finite"));
}

} // namespace
} // namespace troupe::tests
