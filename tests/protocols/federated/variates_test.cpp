// SCAFFOLD and FedDyn: the rule, an exact sum, what clients keep and the
// trainer, together, against transcriptions of the papers in double.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/aggregation/aggregation.hpp"
#include "gpu/aggregation/delta.hpp"
#include "gpu/training/control_variate.hpp"
#include "gpu/training/trainer.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/rule.hpp"
#include "tests/gpu/mlp_in_double.hpp"
#include "tests/gpu/samples.hpp"
#include "tests/protocols/federated/trial.hpp"

namespace troupe::federated {
namespace {

using numbers = std::vector<double>;
using troupe::testing::largest_error;

constexpr client_id clients = 7;
const std::vector<std::size_t> widths{6, 5, 3};

training::view data_of(client_id client) {
  static const auto all = troupe::testing::random_samples(70, {6}, 3);
  return all.slice(std::size_t{client} * 10, 4 + client % 3);
}

// Unequal steps, each over all samples of the client.
training::recipe work_of(const training::recipe& how, client_id client) {
  return how.with_work(1 + 2 * client);
}

numbers in_double(std::span<const float> values) {
  return {values.begin(), values.end()};
}

/// Algorithm 1 of either paper, momentum added. A client's mean gradient weighs
/// each one by how often momentum makes it count.
class transcription {
public:
  transcription(training::recipe how, numbers start)
      : how_(std::move(how)), x(std::move(start)), v(x.size()) {}

  void round(const std::map<client_id, double>& shares) {
    numbers mean(x.size()), moved(x.size());
    for (const auto& [client, share] : shares) {
      auto& own = c.try_emplace(client, numbers(x.size())).first->second;
      const auto [trained, gradients] = train(client, own);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const auto d = trained[i] - x[i];
        mean[i] += share * d;
        const auto next =
            how_.method == "scaffold" ? gradients[i] : own[i] - how_.alpha * d;
        moved[i] += next - own[i];
        own[i] = next;
      }
    }
    for (std::size_t i = 0; i < x.size(); ++i) {
      v[i] += moved[i] / clients;
      // h is minus the mean of what FedDyn's clients keep.
      x[i] += mean[i] - (how_.method == "feddyn" ? v[i] / how_.alpha : 0.0);
    }
  }

  double momentum() const { return how_.momentum; }

private:
  std::pair<numbers, numbers> train(client_id client, const numbers& own) {
    const auto how = work_of(how_, client);
    auto w = x;
    numbers velocity(w.size()), sum(w.size());
    double counts = 0.0;
    for (std::uint32_t step = 0; step < how.epochs; ++step) {
      const auto g =
          troupe::testing::gradient_in_double(widths, w, data_of(client));
      const auto often =
          how.momentum == 0.0f
              ? 1.0
              : (1.0 - std::pow(double{how.momentum}, how.epochs - step)) /
                    (1.0 - double{how.momentum});
      counts += often;
      for (std::size_t i = 0; i < w.size(); ++i) {
        sum[i] += often * g[i];
        const auto corrected =
            how.method == "scaffold" ? g[i] - own[i] + v[i]
            : how.method == "feddyn"
                ? g[i] - own[i] + double{how.alpha} * (w[i] - x[i])
                : g[i];
        velocity[i] = double{how.momentum} * velocity[i] + corrected;
      }
      for (std::size_t i = 0; i < w.size(); ++i)
        w[i] -= double{how.rate(0)} * velocity[i];
    }
    for (auto& each : sum)
      each /= counts;
    return {w, sum};
  }

  training::recipe how_;

public:
  numbers x, v;
  std::map<client_id, numbers> c;
};

/// The same from Troupe's parts.
class run {
public:
  explicit run(training::recipe how)
      : how_(std::move(how)),
        learner_(training::trainer(models::mlp(widths))({})),
        size_(gpu::size(learner_->layout())),
        x(size_),
        v(size_),
        sums_(on_,
            {.variate = how_.method == "scaffold" ? gpu::variate_use::corrects
                                                  : gpu::variate_use::leads},
            {0, size_}),
        rule_{fedavg{{.rounds = 1000, .work = how_}, 0.43}} {
    learner_->initialise(x, 3);
    for (client_id k = 0; k < clients; ++k)
      rule_.join(k, data_of(k).size());
    rule_.begin();
  }

  /// Who counted, with which share. What is lost counts for nobody.
  std::map<client_id, double> round(std::uint32_t lost = 0) {
    std::map<client_id, double> shares;
    const auto grants = rule_.said.grants;
    auto total = 0.0;
    for (const auto& g : grants) {
      if (lost > 0 && rule_.said.publish)
        break;
      if (lost > 0) {
        --lost;
        rule_.fail(g);
      } else {
        shares[g.client] = one(g);
        total += shares[g.client];
      }
    }
    for (auto& [client, share] : shares)
      share /= total;
    publish();
    return shares;
  }

  /// What each client keeps, on average over all of them.
  numbers mean_kept() const {
    numbers result(size_);
    for (const auto& [client, kept] : c)
      for (std::size_t i = 0; i < size_; ++i)
        result[i] += double{kept->span()[i]} / clients;
    return result;
  }

private:
  double one(const grant& g) {
    auto server = std::make_shared<gpu::buffer>(size_);
    std::ranges::copy(v, server->span().begin());
    training::assignment work{.client = g.client,
        .data = data_of(g.client),
        .how = work_of(how_, g.client)};
    work.correction = training::correction(how_, c[g.client], server, size_);
    auto w = x;
    const auto made = learner_->train(w, work, {});
    const auto largest = gpu::to_delta(w, x);
    EXPECT_TRUE(std::isfinite(largest));
    const auto said = rule_.arrive({.lease = g.lease,
        .client = g.client,
        .base = g.base,
        .samples = made.samples,
        .steps = made.steps});
    EXPECT_TRUE(said.accepted());
    EXPECT_GT(said.drift, 0.0);
    const gpu::contribution part{w, said.weight, said.share};
    EXPECT_EQ(sums_.add(on_, {&part, 1}, {&said.drift, 1}).front(),
        gpu::admission::added);
    c[g.client] = training::next_variate(
        how_, g.base, c[g.client], work.correction, w, made.steps);
    return said.share;
  }

  void publish() {
    ASSERT_TRUE(rule_.said.publish);
    const auto& how = *rule_.said.publish;
    gpu::server_blocks<const float> from;
    from.parameters = x, from.variate = v;
    gpu::server_blocks<float> to;
    to.parameters = x, to.variate = v;
    sums_.publish(on_, from, how.scale, to, how.variate);
    rule_.published();
  }

  training::recipe how_;
  std::unique_ptr<training::learner> learner_;
  std::size_t size_;
  gpu::device_stream on_;

public:
  std::vector<float> x, v;
  std::map<client_id, gpu::shared_buffer> c;

private:
  gpu::aggregation sums_;
  trial<fedavg> rule_;
};

class variates_test : public ::testing::TestWithParam<const char*> {
protected:
  static training::recipe how(float momentum = 0.0f) {
    return {.epochs = 1,
        .batch = 0,
        .lr = 0.05f,
        .momentum = momentum,
        .method = GetParam(),
        .alpha = 0.5f};
  }
};
INSTANTIATE_TEST_SUITE_P(methods, variates_test,
    ::testing::Values("scaffold", "feddyn"),
    [](const auto& p) { return std::string{p.param}; });

TEST_P(variates_test, are_the_papers_over_20_rounds) {
  for (auto momentum : {0.0f, 0.9f}) {
    run here{how(momentum)};
    transcription paper{how(momentum), in_double(here.x)};
    const auto start = paper.x;
    for (int round = 0; round < 20; ++round) {
      const auto shares = here.round();
      EXPECT_EQ(shares.size(), 3u);
      paper.round(shares);
    }

    EXPECT_LE(largest_error(here.x, paper.x), 1e-6) << momentum;
    EXPECT_GE(largest_error(here.x, start), 0.1) << "it stands still";
    for (const auto& [client, kept] : paper.c) {
      const auto own = here.c[client]->span();
      EXPECT_LE(largest_error({own.begin(), own.end()}, kept), 1e-5)
          << momentum;
    }
  }
}

TEST_P(variates_test, are_the_servers_mean_of_the_clients_whoever_drops) {
  run here{how()};
  gpu::random_stream random{5, gpu::stream::user};
  for (int round = 0; round < 100; ++round) {
    here.round(random.below(3));
    const auto scale = GetParam() == std::string{"feddyn"} ? -0.5 : 1.0;
    const auto kept = here.mean_kept();
    for (std::size_t i = 0; i < kept.size(); ++i)
      ASSERT_NEAR(scale * double{here.v[i]}, kept[i], 1e-6) << round;
  }
}

TEST_P(variates_test, change_what_is_trained) {
  auto plain = how();
  plain.method = "sgd";
  run here{how()};
  transcription average{plain, in_double(here.x)};
  for (int round = 0; round < 5; ++round)
    average.round(here.round());

  EXPECT_GE(largest_error(here.x, average.x), 1e-4);
}

settings varying(const char* method) {
  return {.rounds = 10,
      .weigh_samples = false,
      .work = {.lr = 0.5f, .method = method}};
}

arrival after(const grant& g, std::uint64_t steps) {
  return {.lease = g.lease, .client = g.client, .base = g.base, .steps = steps};
}

TEST(round_variate_test, counts_those_that_counted_over_all_that_ever_joined) {
  trial<fedavg> t{fedavg{varying("scaffold"), 0.5}, 4};
  auto g = t.said.grants;
  ASSERT_EQ(g.size(), 2u);
  EXPECT_EQ(t.arrive(after(g[0], 5)).drift, gpu::on_weight_grid(0.1));
  t.fail(g[1]);

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->variate, (gpu::variate_step{0.75, -2.0 / 4 / 0.5}));

  // One more joins, another leaves: the mean is over five from now on.
  t.published();
  g = t.said.grants;
  t.join(4);
  client_id idle = 0;
  while (std::ranges::count(clients_of(g), idle) > 0)
    ++idle;
  t.leave(idle);
  t.arrive(after(g[0], 1));
  t.arrive(after(g[1], 1));

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->variate, (gpu::variate_step{0.4, -2.0 / 5 / 0.5}));
}

TEST(round_variate_test, is_not_moved_by_who_did_no_step_or_is_retracted) {
  trial<fedavg> t{fedavg{varying("scaffold"), 1.0}, 4};
  const auto g = t.said.grants;
  EXPECT_EQ(t.arrive(after(g[0], 0)).drift, 0.0);
  t.arrive(after(g[1], 1));
  t.retract(g[1]);
  t.arrive(after(g[2], 1));
  t.arrive(after(g[3], 1));

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->variate.keep, 0.5);
}

TEST(round_variate_test, knows_after_a_restart_how_many_it_was_the_mean_of) {
  rule saved{fedavg{varying("feddyn"), 1.0}};
  decisions said;
  for (client_id i = 0; i < 4; ++i)
    saved.join(i, 1, {}, said);
  saved.begin(0, {}, said);
  for (const auto& g : std::vector(said.grants))
    saved.arrive(after(g, 1), {}, said);
  ASSERT_TRUE(said.publish);
  EXPECT_EQ(said.publish->variate, (gpu::variate_step{1.0, 1.0}));

  rule loaded{fedavg{varying("feddyn"), 1.0}};
  ASSERT_TRUE(loaded.load(saved.save()));
  said.clear();
  for (client_id i = 0; i < 8; ++i)
    loaded.join(i, 1, {}, said);
  loaded.begin(1, {}, said);
  for (const auto& g : std::vector(said.grants))
    loaded.arrive(after(g, 1), {}, said);

  ASSERT_TRUE(said.publish);
  EXPECT_EQ(said.publish->variate, (gpu::variate_step{0.5, 1.0}));
}

TEST(round_variate_test, stands_still_where_the_rate_has_decayed_to_nothing) {
  auto common = varying("scaffold");
  common.work.lr = 0.0f;
  trial<fedavg> t{fedavg{common, 1.0}, 1};

  EXPECT_EQ(t.arrive(after(t.said.grants.front(), 3)).drift, 0.0);
  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->variate, gpu::variate_step{});
  const auto own = std::make_shared<const gpu::buffer>(2);
  EXPECT_EQ(training::next_variate(
                common.work, 0, own, nullptr, std::vector<float>(2), 3),
      own);
}

TEST(round_variate_test, is_none_where_clients_keep_none) {
  trial<fedavg> t{fedavg{varying("sgd"), 1.0}, 1};

  EXPECT_EQ(t.arrive(after(t.said.grants.front(), 3)).drift, 0.0);
  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->variate, gpu::variate_step{});
}

} // namespace
} // namespace troupe::federated
