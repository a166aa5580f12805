// No version moves by more than one update may: a bound on the norm of each
// holds for their mean, whatever clients send.

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "actors/computing/compute.hpp"
#include "tests/actors/rehearsed_run.hpp"
#include "tests/support/stage.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr double bound = 1.0;

struct norm_bound_test : rehearsed_run {
  void answer(client_id client, bool too_large) {
    update what{client, {offer_to(client).lease, 0, {10, 1, 0.5}, 0.1, 0.1,
                            std::make_shared<const gpu::buffer>(1), 5.0f}};
    what.result.too_large = too_large;
    stage.tell(aggregator, what);
  }
};

TEST_F(norm_bound_test, keeps_what_is_beyond_it_from_the_shards) {
  begin_run(one_round(2));

  answer(0, true);
  answer(1, false);
  stage.tell(aggregator, added{0, {1}});
  pass(200ms);

  ASSERT_THAT(told<facts::dropped>(), SizeIs(1));
  EXPECT_EQ(told<facts::dropped>()[0].client, 0u);
  EXPECT_EQ(told<facts::dropped>()[0].why, federated::drop_reason::too_large);
  EXPECT_THAT(told<facts::accepted>(), SizeIs(1));
  EXPECT_THAT(told<facts::client_failed>(), IsEmpty());
  ASSERT_THAT(sums.heard<add>(), SizeIs(1));
  EXPECT_EQ(sums.heard<add>()[0].client, 1u);
}

TEST_F(norm_bound_test, is_named_where_all_are_beyond_it) {
  begin_run(one_round(2));

  answer(0, true);
  answer(1, true);
  pass(200ms);

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_THAT(end().why, HasSubstr("client 1: the norm of its update is above "
                                   "federation.max_norm"));
}

/// Clients whose updates are the longer the farther they pull.
script bounded(federated::rule rule, std::uint64_t seed, double most) {
  script s;
  s.rule = std::move(rule);
  s.seed = seed;
  s.recipe.lr = 0.1f;
  s.shards = 1 + seed % 3;
  s.spawn_slots = [most](const script& what, caf::actor_system& system) {
    std::vector<compute_slot> result;
    for (std::size_t i = 0; i < what.slots; ++i)
      result.push_back({system.spawn<compute_impl, caf::detached>(gpu::device{},
                            small_learners(what.parameters), most),
          0, {}});
    return result;
  };
  return s;
}

/// The longest step from one version to the next.
double longest_step(const performance& run) {
  std::map<version_id, gpu::shared_buffer> versions;
  for (const auto& each : run.stores)
    versions[each.version] = each.parameters.here;
  double longest = 0.0;
  for (const auto& [version, values] : versions) {
    const auto before = versions.find(version - 1);
    if (before == versions.end())
      continue;
    double square = 0.0;
    for (std::size_t i = 0; i < values->size(); ++i)
      square += std::pow(
          double(values->span()[i]) - double(before->second->span()[i]), 2);
    longest = std::max(longest, std::sqrt(square));
  }
  return longest;
}

/// What is wrong with a run under the bound; empty: nothing.
std::string breach_of(const performance& run) {
  std::set<lease_id> dropped;
  for (const auto& each : run.all<facts::dropped>())
    if (each.why == federated::drop_reason::too_large &&
        !dropped.insert(each.lease).second)
      return "a lease is dropped twice";
  for (const auto& each : run.all<facts::accepted>())
    if (dropped.contains(each.lease))
      return "what is dropped counts";
  if (longest_step(run) > bound * (1.0 + 1e-5))
    return "a version moves by more than any update may";
  return {};
}

TEST(norm_bound_property_test, bounds_every_version) {
  std::size_t dropped = 0, accepted = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (auto rule : {fedavg_rule(4, 0.6, seed), fedbuff_rule(6, 3, 4, seed)}) {
      const auto run = play(bounded(rule, seed, bound));
      EXPECT_EQ(breach_of(run), "") << "seed " << seed;
      dropped += run.all<facts::dropped>().size();
      accepted += run.all<facts::accepted>().size();
    }
  }
  EXPECT_GT(dropped, 20u);
  EXPECT_GT(accepted, 20u);
}

// The same runs, where nobody looks at norms.
TEST(norm_bound_property_test, finds_a_run_without_it) {
  const auto run = play(bounded(fedavg_rule(4), 1, 0.0));

  EXPECT_EQ(breach_of(run), "a version moves by more than any update may");
}

} // namespace
} // namespace troupe::tests
