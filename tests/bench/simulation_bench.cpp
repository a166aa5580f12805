// What a simulation costs where nobody trains: a million clients, ten thousand
// of them leased at any time, FedBuff, 1,000 parameters. With a journal of
// versions, and with one of every lease.
//
//     scripts/build release simulation_bench &&
//     build/release/tests/bench/simulation_bench
#include <cstdio>
#include <ctime>
#include <string>

#include <sys/resource.h>

#include "protocols/federated/fedbuff.hpp"
#include "runtime/record/journal.hpp"
#include "runtime/simulation/idle_workshop.hpp"
#include "runtime/simulation/simulator.hpp"

namespace {

using namespace troupe;

constexpr std::size_t clients = 1'000'000;
constexpr std::uint64_t out_at_once = 10'000;
constexpr std::uint64_t buffer = 1'000;
constexpr std::uint64_t versions = 5'000;
constexpr double wanted = 500'000.0; // updates a second, on one core

// CPU time: what else runs on the machine does not count.
double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

double peak_bytes() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return 1024.0 * static_cast<double>(used.ru_maxrss);
}

simulation::plan plan_of(bool every_lease, std::uint64_t rounds) {
  simulation::plan result;
  result.rule = federated::fedbuff{
      {.rounds = rounds, .weigh_samples = false, .keeps_leases = true}, buffer,
      out_at_once, 100};
  result.pace = {.spread = 0.5, .jitter = 0.1, .work = {}};
  result.samples.resize(clients);
  for (std::size_t i = 0; i < clients; ++i)
    result.samples[i] = 50 + i % 101;
  result.press.checkpoint_every = 0;
  result.every_lease = every_lease;
  return result;
}

void measure(const char* journal, bool every_lease, std::uint64_t rounds) {
  auto* file = std::tmpfile();
  double bytes = 0.0;
  std::string lines;
  simulation::idle_workshop by{1'000, [](const auto&) {
                                 return training::outcome{
                                     .samples = 100, .steps = 10};
                               }};
  const auto start = cpu_seconds();
  simulation::simulator it{plan_of(every_lease, rounds), by,
      {[&](const fact_batch& some) {
         lines.clear();
         journal::encode(*some.facts, lines);
         bytes += static_cast<double>(
             std::fwrite(lines.data(), 1, lines.size(), file));
       },
          {}}};
  const auto report = it.run();
  const auto took = cpu_seconds() - start;
  const auto rate = static_cast<double>(report.updates) / took;
  std::printf("simulation journal=%s clients=%zu concurrency=%llu updates=%llu "
              "updates_per_s=%.0f of_wanted=%.2f peak_gib=%.2f "
              "journal_mb=%.1f virtual_s=%.0f\n",
      journal, clients, static_cast<unsigned long long>(out_at_once),
      static_cast<unsigned long long>(report.updates), rate, rate / wanted,
      peak_bytes() / (1 << 30), bytes / 1e6, it.account().seconds);
  std::fclose(file);
}

} // namespace

int main() {
  measure("versions", false, versions);
  measure("full", true, versions / 5);
}
