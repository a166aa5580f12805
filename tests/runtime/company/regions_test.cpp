// A hierarchy's mathematics, through the general path: against transcriptions
// in double, against a flat run, and against itself at other numbers of slots.

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "runtime/record/journal.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/record/run_directory.hpp"
#include "runtime/troupe.hpp"
#include "tests/runtime/scratch_directory.hpp"
#include "tests/support/small_learner.hpp"

namespace troupe::tests {
namespace {

using model = std::vector<double>;

constexpr std::size_t values = 3;
constexpr double rate = 0.01; // 20 rounds do not come to rest

double target(std::uint64_t client, std::size_t value) {
  return 0.1 * static_cast<double>(client + 1) * static_cast<double>(value + 1);
}

/// Pulls every parameter to a place of its client's own, a step an epoch. The
/// clients of `fails` throw.
struct pulling : training::learner {
  explicit pulling(std::function<bool(std::uint64_t)> fails)
      : fails_(std::move(fails)) {}

  gpu::layout layout() const override {
    gpu::layout views;
    gpu::append(views, "w", {values});
    return views;
  }
  void initialise(std::span<float> parameters, std::uint64_t) override {
    std::ranges::fill(parameters, 1.0f);
  }
  training::outcome train(std::span<float> parameters,
      const training::assignment& work, std::stop_token) override {
    if (fails_ && fails_(work.client))
      throw std::runtime_error("this one always fails");
    for (std::uint32_t step = 0; step < work.how.epochs; ++step)
      for (std::size_t i = 0; i < parameters.size(); ++i)
        parameters[i] -=
            static_cast<float>(rate) *
            (parameters[i] - static_cast<float>(target(work.client, i)));
    return {work.data.size() * work.how.epochs, work.how.epochs, 0.5};
  }
  training::evaluation evaluate(std::span<const float>,
      const training::view& data, std::stop_token) override {
    return {data.size(), 0, 0.0};
  }

private:
  std::function<bool(std::uint64_t)> fails_;
};

constexpr std::uint32_t epochs = 2;

const fedavg everybody{.fraction = 1.0};

fedavg all_alike() {
  auto result = everybody;
  result.weighting = "uniform";
  return result;
}

std::uint64_t size_of(std::uint64_t client) {
  return 3 + 7 * client % 11;
}

topology pulls(
    std::uint64_t clients, std::function<bool(std::uint64_t)> fails = {}) {
  std::vector<training::view> own;
  for (std::uint64_t i = 0; i < clients; ++i)
    own.push_back(blank_samples(size_of(i)));
  topology result{"regions"};
  result
      .learner(
          [fails](gpu::device) { return std::make_unique<pulling>(fails); },
          "pulling")
      .clients(std::move(own), sgd{}, local{.epochs = epochs})
      .until(rounds{20});
  return result;
}

/// What is left of a run.
class outcome {
public:
  outcome(const topology& what, int code = 0, std::uint64_t slots = 2) {
    auto again = what;
    again.devices({"cpu"}).slots(slots);
    run_options how;
    how.out = place_ / "run";
    how.quiet = true;
    EXPECT_EQ(execute(again, how), code);
    run_directory at{how.out};
    auto bytes = files::system().read_all(at.journal());
    journal::scan(bytes, [this](const fact& each) { told_.push_back(each); });
    if (files::exists(at.model())) {
      auto read = read_model(files::system(), at.model());
      const auto all = read.values->span();
      bits_.assign(all.begin(), all.end());
    }
  }

  const std::vector<float>& bits() const { return bits_; }
  const std::vector<fact>& told() const { return told_; }
  template <class Fact>
  std::vector<Fact> all() const {
    std::vector<Fact> result;
    for (const auto& each : told_)
      if (const auto* x = std::get_if<Fact>(&each.what))
        result.push_back(*x);
    return result;
  }

private:
  scratch_directory place_;
  std::vector<float> bits_;
  std::vector<fact> told_;
};

double distance(const std::vector<float>& made, const model& expected) {
  EXPECT_EQ(made.size(), expected.size());
  double result = 0.0;
  for (std::size_t i = 0; i < std::min(made.size(), expected.size()); ++i)
    result = std::max(result, std::fabs(double{made[i]} - expected[i]));
  return result;
}

/// A hierarchy in the plainest code. `fault` names one thing that is done
/// wrong; empty: nothing is.
struct part {
  std::vector<part> below;  ///< none: it is a client
  std::uint64_t client = 0; ///< that one
  std::uint64_t rounds = 1;
  double momentum = 0.0; ///< of its server
  model velocity = model(values, 0.0);

  double samples() const {
    if (below.empty())
      return static_cast<double>(size_of(client));
    double sum = 0.0;
    for (const auto& each : below)
      sum += each.samples();
    return sum;
  }

  model trained(model from, const std::string& fault) {
    if (below.empty()) {
      for (std::uint32_t step = 0; step < epochs; ++step)
        for (std::size_t i = 0; i < values; ++i)
          from[i] -= rate * (from[i] - target(client, i));
      return from;
    }
    if (fault == "forgets")
      velocity = model(values, 0.0);
    for (std::uint64_t round = 0; round < rounds; ++round)
      from = averaged(from, fault);
    return from;
  }

  model averaged(const model& from, const std::string& fault) {
    model sum(values, 0.0);
    double total = 0.0;
    for (auto& each : below) {
      const auto weight = fault == "uniform" ? 1.0 : each.samples();
      const auto to = each.trained(from, fault);
      for (std::size_t i = 0; i < values; ++i)
        sum[i] += weight * (to[i] - from[i]);
      total += weight;
    }
    auto result = from;
    for (std::size_t i = 0; i < values; ++i) {
      velocity[i] = momentum * velocity[i] + sum[i] / total;
      result[i] += velocity[i];
    }
    return result;
  }
};

/// So many of `each`, whose clients go on from `first`.
part group(std::uint64_t count, std::uint64_t clients, std::uint64_t& first) {
  part result;
  for (std::uint64_t i = 0; i < count; ++i) {
    part one;
    for (std::uint64_t k = 0; k < clients; ++k) {
      part leaf;
      leaf.client = first++;
      one.below.push_back(std::move(leaf));
    }
    result.below.push_back(std::move(one));
  }
  return result;
}

model played(part root, std::uint64_t rounds, const std::string& fault = {}) {
  model at(values, 1.0);
  for (std::uint64_t i = 0; i < rounds; ++i)
    at = root.averaged(at, fault);
  return at;
}

TEST(regions, are_what_a_transcription_says) {
  std::uint64_t first = 0;
  auto root = group(3, 4, first);
  for (auto& each : root.below) {
    each.rounds = 2;
    each.momentum = 0.5;
  }

  const outcome made{pulls(12).aggregator(region{3, everybody}
                                              .rounds(2)
                                              .server(fedavgm{.momentum = 0.5})
                                              .under(everybody))};

  EXPECT_EQ(made.all<facts::published>().size(), 20u);
  EXPECT_LT(distance(made.bits(), played(root, 20)), 1e-6);
  EXPECT_GT(distance(made.bits(), played(root, 20, "uniform")), 1e-3);
  EXPECT_GT(distance(made.bits(), played(root, 20, "forgets")), 1e-3);
}

TEST(regions, are_weighed_under_a_buffer_as_clients_are) {
  std::uint64_t first = 0;
  auto root = group(4, 3, first);
  const outcome made{pulls(12)
                         .aggregator(region{4, everybody}.under(
                             fedbuff{.buffer = 2, .concurrency = 4}))
                         .until(versions{20})};

  // Which of them came first the journal says; what that makes, the algebra.
  std::map<version_id, model> versions{{0, model(values, 1.0)}};
  model sum(values, 0.0);
  double shares = 0.0;
  std::uint64_t stale = 0;
  for (const auto& each : made.told())
    if (const auto* x = std::get_if<facts::accepted>(&each.what)) {
      const auto& from = versions.at(x->base);
      const auto to = root.below.at(x->client).trained(from, {});
      const auto weight = 1.0 / std::sqrt(1.0 + double(x->staleness));
      for (std::size_t i = 0; i < values; ++i)
        sum[i] += weight * (to[i] - from[i]);
      shares += 1.0;
      stale += x->staleness;
    } else if (const auto* made_one =
                   std::get_if<facts::published>(&each.what)) {
      auto next = versions.rbegin()->second;
      for (std::size_t i = 0; i < values; ++i)
        next[i] += sum[i] / shares;
      versions[made_one->version] = next;
      sum.assign(values, 0.0);
      shares = 0.0;
    }
  EXPECT_EQ(versions.size(), 21u);
  EXPECT_GT(stale, 0u);
  EXPECT_LT(distance(made.bits(), versions.rbegin()->second), 1e-6);
}

TEST(regions, stand_below_regions) {
  std::uint64_t first = 0;
  part root;
  for (int i = 0; i < 2; ++i) {
    auto middle = group(3, 2, first);
    middle.rounds = 2;
    middle.momentum = 0.25;
    for (auto& each : middle.below)
      each.rounds = 3;
    root.below.push_back(std::move(middle));
  }

  const outcome made{pulls(12).aggregator(
      region{2, region{3, everybody}.rounds(3).under(everybody)}
          .rounds(2)
          .server(fedavgm{.momentum = 0.25})
          .under(everybody))};

  EXPECT_LT(distance(made.bits(), played(root, 20)), 1e-6);
  EXPECT_GT(distance(made.bits(), played(root, 20, "forgets")), 1e-4);
}

TEST(regions, of_one_client_each_are_that_client) {
  const outcome flat{pulls(6).aggregator(everybody)};
  const outcome made{
      pulls(6).aggregator(region{6, everybody}.under(everybody))};

  model expected(flat.bits().begin(), flat.bits().end());
  EXPECT_LT(distance(made.bits(), expected), 1e-6);
  const auto counted = made.all<facts::accepted>();
  ASSERT_EQ(counted.size(), 120u);
  for (const auto& each : counted) {
    EXPECT_EQ(each.samples, size_of(each.client) * epochs);
    EXPECT_EQ(each.steps, epochs);
    EXPECT_EQ(each.loss, 0.5);
  }
}

TEST(regions, give_one_model_at_any_number_of_slots) {
  auto what = pulls(12).aggregator(region{
      3, fedavg{.fraction = 0.5}}.rounds(2)
                                       .server(fedavgm{.momentum = 0.5})
                                       .under(fedavg{.fraction = 0.7}));
  const outcome expected{what, 0, 1};

  EXPECT_EQ(outcome(what, 0, 2).bits(), expected.bits());
  EXPECT_EQ(outcome(what, 0, 5).bits(), expected.bits());
  EXPECT_NE(outcome(what.seed(2), 0, 1).bits(), expected.bits());
}

TEST(regions, go_on_without_a_client_that_fails) {
  std::uint64_t first = 0;
  auto root = group(3, 4, first);
  for (auto& each : root.below)
    std::erase_if(each.below, [](const part& x) { return x.client == 5; });

  auto what = pulls(12, [](auto client) { return client == 5; });
  const outcome made{what.aggregator(region{3, everybody}.under(all_alike()))};

  EXPECT_TRUE(made.all<facts::client_failed>().empty());
  model at(values, 1.0);
  for (int i = 0; i < 20; ++i) { // to the root all regions are alike
    model sum(values, 0.0);
    for (auto& each : root.below) {
      const auto to = each.trained(at, {});
      for (std::size_t k = 0; k < values; ++k)
        sum[k] += (to[k] - at[k]) / 3.0;
    }
    for (std::size_t k = 0; k < values; ++k)
      at[k] += sum[k];
  }
  EXPECT_LT(distance(made.bits(), at), 1e-6);
}

TEST(regions, fail_as_a_client_does_if_all_of_theirs_do) {
  auto what = pulls(12, [](auto client) { return client / 4 == 1; });
  const outcome made{what.aggregator(region{3, everybody}.under(everybody))};

  const auto failed = made.all<facts::client_failed>();
  ASSERT_EQ(failed.size(), 20u);
  EXPECT_EQ(failed[0].client, 1u);
  EXPECT_THAT(failed[0].why, testing::HasSubstr("this one always fails"));
  EXPECT_EQ(made.all<facts::published>().size(), 20u);
  EXPECT_EQ(made.all<facts::accepted>().size(), 40u);
}

TEST(regions, end_the_run_if_all_of_them_fail) {
  auto what = pulls(4, [](auto) { return true; });
  const outcome made{what.aggregator(region{2, everybody}.under(everybody)), 1};

  ASSERT_EQ(made.all<facts::run_ended>().size(), 1u);
  EXPECT_EQ(made.all<facts::run_ended>()[0].outcome, "failed");
}

topology drawn(std::uint64_t shards = 1) {
  return pulls(23).shards(shards).server(fedavgm{.momentum = 0.5}).seed(3);
}

TEST(edges, that_only_sum_change_no_bit) {
  const fedavg rule{.fraction = 0.4};
  const outcome flat{drawn().aggregator(rule)};
  const auto weights = flat.all<facts::published>();

  for (std::uint64_t slots : {1, 2, 5})
    for (std::uint64_t shards : {1, 2}) {
      const outcome made{
          drawn(shards).aggregator(edge{4}.under(rule)), 0, slots};
      EXPECT_EQ(made.bits(), flat.bits());
      const auto sums = made.all<facts::published>();
      ASSERT_EQ(sums.size(), weights.size());
      for (std::size_t i = 0; i < sums.size(); ++i) {
        EXPECT_EQ(sums[i].weight, weights[i].weight);
        EXPECT_EQ(sums[i].checksum, weights[i].checksum);
      }
    }
}

TEST(edges, stand_below_edges) {
  const fedavg rule{.fraction = 0.4};
  const outcome flat{drawn().aggregator(rule)};
  auto deep =
      drawn(2)
          .aggregator(edge{2}.under(rule))
          .with({"federation.regions=[\"2: rule=none\", \"3: rule=none\"]"});

  EXPECT_EQ(outcome(deep).bits(), flat.bits());
}

TEST(edges, hand_in_what_a_method_needs) {
  const fedavg rule{.fraction = 0.4};
  auto what = [](topology of) { return of.with({"client.method=scaffold"}); };
  const outcome flat{what(drawn().aggregator(rule))};

  EXPECT_EQ(outcome(what(drawn().aggregator(edge{4}.under(rule)))).bits(),
      flat.bits());
}

TEST(hierarchies, are_refused_where_they_cannot_be) {
  const auto problems = [](topology what) {
    return fmt::format("{}", fmt::join(what.problems(), "\n"));
  };
  using testing::HasSubstr;

  EXPECT_EQ(
      problems(pulls(12).aggregator(
          region{2, region{3, everybody}.under(fedbuff{.buffer = 1})}.under(
              everybody))),
      "");
  EXPECT_THAT(
      problems(pulls(5).aggregator(region{6, everybody}.under(everybody))),
      HasSubstr("makes 6 regions or edges of federation.clients = 5"));
  EXPECT_THAT(problems(pulls(12).aggregator(
                  region{4, everybody}.under(fedbuff{.buffer = 5}))),
      HasSubstr("is more than the 4 clients there are"));
  EXPECT_THAT(problems(pulls(12).aggregator(
                  region{4, fedbuff{.buffer = 4}}.under(everybody))),
      HasSubstr("is more than the 3 clients there are"));
  EXPECT_THAT(problems(pulls(12).aggregator(edge{3}.under(fedasync{}))),
      HasSubstr("mixes models"));
  EXPECT_THAT(problems(pulls(12)
                           .aggregator(region{3, everybody}.under(everybody))
                           .order({})),
      HasSubstr("whose clock knows clients"));
  auto varies = pulls(12).aggregator(region{3, everybody}.under(everybody));
  EXPECT_THROW(varies.with({"client.method=scaffold"}), configuration_error);
  EXPECT_THROW(
      varies.with({"federation.regions=[\"x\"]"}), configuration_error);
  EXPECT_THROW(varies.with({"federation.regions=[\"3: fractoin=1\"]"}),
      configuration_error);
  EXPECT_THROW(varies.with({"federation.regions=[\"3: rounds=0\"]"}),
      configuration_error);
  EXPECT_THROW(
      varies.with(
          {"federation.regions=[\"3: rule=none\", \"2: rule=fedavg\"]"}),
      configuration_error);
}

} // namespace
} // namespace troupe::tests
