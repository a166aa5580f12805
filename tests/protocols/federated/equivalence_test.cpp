// FedBuff with a buffer and a concurrency of all clients, uniform weights, is
// FedAvg over all clients: the same updates with the same weights make the same
// versions, whatever fails and in whatever order answers come.
#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/random.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"
#include "tests/protocols/federated/trial.hpp"

namespace troupe::federated {
namespace {

// version that it went into, client, base, weight, share
using contribution =
    std::tuple<version_id, client_id, version_id, double, double>;

struct course {
  std::vector<contribution> contributions; // ascending
  std::vector<std::uint64_t> skipped;
  std::optional<ending> end;

  friend bool operator==(const course&, const course&) = default;
};

// Whether a client answers in a round is a function of both; the order in which
// they answer is not, and differs between the rules.
template <class Rule>
course follow(Rule rule, client_id clients, std::uint64_t seed,
    std::uint32_t failures, std::uint64_t order) {
  trial<Rule> t{std::move(rule), clients};
  gpu::random_stream shuffle{order};
  course c;
  while (true) {
    for (const auto& s : t.said.skipped)
      c.skipped.push_back(s.round);
    if (c.end = t.said.end; c.end)
      break;
    if (t.said.publish) {
      t.published();
      continue;
    }
    auto open = t.said.grants;
    const auto round = t.rule.round();
    for (auto i = open.size(); i-- > 0;) {
      std::swap(
          open[i], open[shuffle.below(static_cast<std::uint32_t>(i + 1))]);
      gpu::random_stream luck{seed, gpu::stream::user, open[i].client, round};
      if (luck.below(100) < failures) {
        t.fail(open[i]);
        continue;
      }
      const auto v = t.arrive(open[i]);
      EXPECT_TRUE(v.accepted());
      c.contributions.emplace_back(
          open[i].base + 1, open[i].client, open[i].base, v.weight, v.share);
    }
  }
  std::ranges::sort(c.contributions);
  return c;
}

} // namespace

TEST(fedbuff_test, is_fedavg_when_its_buffer_and_concurrency_are_everybody) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    gpu::random_stream random{seed, gpu::stream::user, 3};
    const client_id clients = 1 + random.below(20);
    const auto failures = std::array{0u, 10u, 50u}[random.below(3)];
    const settings common{.seed = seed,
        .rounds = 6,
        .weigh_samples = false,
        .min_updates = 1 + random.below(3)};

    const auto synchronous =
        follow(fedavg{common, 1.0}, clients, seed, failures, 1);
    const auto buffered = follow(
        fedbuff{common, clients, clients, 20}, clients, seed, failures, 2);

    ASSERT_EQ(synchronous, buffered) << "seed " << seed;
  }
}

} // namespace troupe::federated
