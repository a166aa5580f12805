// Peak resident memory with 25 million parameters at 10 and at 1,000 clients a
// round: nothing may be kept for each client. Some hundred updates each, so
// that both see the worst that chance brings about.

#include <cstdio>

#include "runtime/launch.hpp"
#include "runtime/topology.hpp"
#include "tests/bench/idle_learner.hpp"
#include "tests/bench/run_in_child.hpp"

namespace {

double peak_with(std::uint64_t clients, std::uint64_t many) {
  using namespace troupe;
  const auto run = bench::run_in_child([&](const auto& place) {
    const auto what =
        topology{"memory"}
            .learner(bench::idle_learners(25'000'000), "idle")
            .aggregator(fedavg{.fraction = 1.0, .weighting = "uniform"})
            .clients(clients)
            .slots(2)
            .until(rounds{many})
            .with({"run.checkpoint_every=100"});
    return execute(what, {.out = place, .quiet = true});
  });
  return run.exit_code == 0 ? run.peak_bytes : 0.0;
}

} // namespace

int main() {
  const auto few = peak_with(10, 30);
  const auto many = peak_with(1000, 1);
  if (few == 0.0 || many == 0.0)
    return 1;
  std::printf(
      "memory 25M clients_10_bytes=%.0f clients_1000_bytes=%.0f ratio=%.4f\n",
      few, many, many / few);
}
