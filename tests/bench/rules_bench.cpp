// What the rules cost: 100,000 clients, 10,000 leases out at a time.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <utility>
#include <vector>

#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"

namespace {

using namespace troupe;

// CPU time: what else runs on the machine does not count.
double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

constexpr client_id clients = 100'000;
constexpr std::uint64_t out_at_once = 10'000;
constexpr std::uint64_t updates = 2'000'000;

// Answers every lease in turn, as an ideal cluster would.
template <class Rule>
void measure(const char* name, Rule rule) {
  federated::decisions said;
  for (client_id i = 0; i < clients; ++i)
    rule.join(i, 1 + i % 7, {}, said);
  std::vector<federated::grant> queue;
  std::size_t front = 0;
  std::uint64_t accepted = 0;
  double weight = 0.0;
  const auto start = cpu_seconds();
  double longest = 0.0;
  rule.begin(0, {}, said);
  while (accepted < updates) {
    queue.insert(queue.end(), said.grants.begin(), said.grants.end());
    if (std::exchange(said, {}).publish) {
      const auto before = cpu_seconds();
      rule.published({}, said);
      longest = std::max(longest, cpu_seconds() - before);
      continue;
    }
    const auto g = queue[front++];
    const auto v = rule.arrive({g.lease, g.client, g.base}, {}, said);
    weight += v.weight;
    accepted += v.accepted();
    if (front == out_at_once) {
      queue.erase(queue.begin(), queue.begin() + out_at_once);
      front = 0;
    }
  }
  const auto took = cpu_seconds() - start;
  std::printf("rules %s events_per_s=%.0f ns_per_update=%.1f "
              "longest_publication_ms=%.3f versions=%llu weight=%.3f\n",
      name, static_cast<double>(accepted) / took,
      took * 1e9 / static_cast<double>(accepted), longest * 1e3,
      static_cast<unsigned long long>(rule.version()), weight);
}

} // namespace

int main() {
  const federated::settings common{.rounds = ~0ull >> 1};
  measure("fedavg", federated::fedavg{common, 0.1});
  measure("fedbuff", federated::fedbuff{common, 1'000, out_at_once, 20});
  measure("fedbuff_by_ten", federated::fedbuff{common, 10, out_at_once, ~0ull});
}
