// What is simulated is what happens: with learners that take as long as the
// virtual clock says, by the wall's clock and over processes, the same clients
// count, from the same versions, in the same versions.
#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/simulation/simulate.hpp"
#include "tests/integration/paced.hpp"
#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

// What a machine under load is late by, and more.
constexpr duration apart = std::chrono::milliseconds{200};

using sequence = std::vector<std::tuple<client_id, version_id, version_id>>;

/// Client, base, and the version that it counted in.
sequence counted(const record& left) {
  sequence result;
  version_id next = 1;
  for (const auto& f : left.standing())
    if (auto* x = std::get_if<facts::accepted>(&f.what))
      result.emplace_back(x->client, x->base, next);
    else if (auto* y = std::get_if<facts::published>(&f.what))
      next = y->version + 1;
  return result;
}

/// Whether no two things happened so soon behind each other that the order of
/// them may be another one by the wall's clock.
bool is_clear(const record& simulated) {
  std::set<instant> ends, all;
  std::size_t answers = 0;
  for (const auto& f : simulated.standing()) {
    const auto answer = std::holds_alternative<facts::accepted>(f.what) ||
                        std::holds_alternative<facts::dropped>(f.what);
    answers += answer;
    if (answer)
      ends.insert(f.at);
    if (answer || std::holds_alternative<facts::revoked>(f.what))
      all.insert(f.at);
  }
  const auto close = std::ranges::adjacent_find(
      all, [](instant a, instant b) { return b - a < apart; });
  return ends.size() == answers && close == all.end();
}

class deployed_test : public testing::TestWithParam<const char*> {
protected:
  words settings() const {
    const std::string rule = GetParam();
    if (rule == "fedbuff")
      return {};
    if (rule == "fedasync")
      return {"federation.rule=fedasync", "federation.concurrency=3"};
    if (rule == "switched")
      return {"federation.switch=[\"version 3: rule=fedavg fraction=0.5\"]"};
    return {"federation.rule=fedavg", "federation.fraction=0.5",
        "federation.over_select=1.5", "federation.deadline=1.5"};
  }

  command here(
      const study& some, const std::string& name, std::uint64_t seed) const {
    words all{TROUPE_PACED, "--out", (some / name).string(), "--seed",
        fmt::format("{}", seed), "--set", "run.order=arrival"};
    for (const auto& each : settings())
      all.insert(all.end(), {"--set", each});
    return {std::move(all)};
  }

  void simulate(const study& some, std::uint64_t seed) const {
    auto all = settings();
    all.push_back(fmt::format("run.seed={}", seed));
    std::ostringstream out, err;
    ASSERT_EQ(simulation::simulate(paced_clients().with(all),
                  {some / fmt::format("{}", seed), true}, {out, err}),
        0)
        << err.str();
  }
};

TEST_P(deployed_test, happens_as_it_was_simulated) {
  study some{quick_fedavg(1)};
  std::uint64_t seed = 1;
  for (;; ++seed) {
    ASSERT_LT(seed, 500u) << "no seed keeps things apart";
    ASSERT_NO_FATAL_FAILURE(simulate(some, seed));
    if (is_clear(some.of(fmt::format("{}", seed))))
      break;
  }
  const auto expected = counted(some.of(fmt::format("{}", seed)));
  ASSERT_GE(expected.size(), 8u);

  expect_code(run(here(some, "deployed", seed)), 0);
  EXPECT_EQ(counted(some.of("deployed")), expected) << "seed " << seed;

  auto listening = here(some, "cluster", seed);
  listening.words.insert(listening.words.end(),
      {"--listen", "127.0.0.1:0", "--set", "compute.slots=0"});
  process coordinator{listening};
  ASSERT_TRUE(coordinator.says("nodes join at 127.0.0.1:"))
      << coordinator.err();
  ASSERT_TRUE(coordinator.says("\n"));
  const auto& out = coordinator.out();
  const auto from = out.find("127.0.0.1:");
  const auto at = out.substr(from, out.find('\n', from) - from);
  process node{{{TROUPE_PACED, "--join", at, "--slots", "6"},
      {{"TROUPE_PACED_SEED", fmt::format("{}", seed)}}}};
  EXPECT_EQ(coordinator.wait().code, 0) << coordinator.err();
  EXPECT_EQ(node.wait().code, 0) << node.err();
  EXPECT_EQ(counted(some.of("cluster")), expected) << "seed " << seed;
}

INSTANTIATE_TEST_SUITE_P(of, deployed_test,
    testing::Values("fedbuff", "fedasync", "deadline", "switched"),
    [](const auto& rule) { return std::string{rule.param}; });

} // namespace

} // namespace troupe::tests
