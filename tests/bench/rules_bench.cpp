// What the rules cost: events of 100,000 clients, 10,000 leases out at a time.
#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include "protocols/federated/rule.hpp"

namespace {

using namespace troupe;
using clock_type = std::chrono::steady_clock;

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
  auto start = clock_type::now();
  auto longest = clock_type::duration{};
  rule.begin(0, {}, said);
  while (accepted < updates) {
    queue.insert(queue.end(), said.grants.begin(), said.grants.end());
    if (std::exchange(said, {}).publish) {
      const auto before = clock_type::now();
      rule.published({}, said);
      longest = std::max(longest, clock_type::now() - before);
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
  const std::chrono::duration<double> took = clock_type::now() - start;
  const std::chrono::duration<double, std::milli> round = longest;
  std::printf("rules %s events_per_s=%.0f ns_per_update=%.1f "
              "longest_publication_ms=%.3f versions=%llu weight=%.3f\n",
      name, double(accepted) / took.count(), took.count() * 1e9 / accepted,
      round.count(), static_cast<unsigned long long>(rule.version()), weight);
}

} // namespace

int main() {
  const federated::settings common{.rounds = ~0ull >> 1};
  measure("fedavg",
      federated::fedavg{common, double(out_at_once) / double(clients)});
  measure("fedbuff", federated::fedbuff{common, 1'000, out_at_once, 20});
  measure("fedbuff_by_ten", federated::fedbuff{common, 10, out_at_once, ~0ull});
}
