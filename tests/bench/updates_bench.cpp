// Accepted updates a second when training costs nothing: 100,000 clients,
// 10,000 a round, 1,000 parameters, journal and metrics on; and the peak
// memory.
//   updates_bench [rounds]

#include <cstdio>
#include <cstdlib>

#include "runtime/launch.hpp"
#include "runtime/topology.hpp"
#include "tests/bench/idle_learner.hpp"
#include "tests/bench/run_in_child.hpp"

int main(int argc, char** argv) {
  using namespace troupe;
  const auto many = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100;
  const auto run = bench::run_in_child([&](const auto& place) {
    const auto what =
        topology{"idle"}
            .learner(bench::idle_learners(1000), "idle")
            .aggregator(fedavg{.fraction = 0.1, .weighting = "uniform"})
            .clients(100'000)
            .slots(2)
            .until(rounds{many});
    return execute(
        what, {.out = place, .quiet = true, .metrics = "127.0.0.1:0"});
  });
  if (run.exit_code != 0)
    return 1;
  std::printf(
      "updates idle updates_per_s=%.0f peak_bytes=%.0f limit_bytes=%.0f "
      "startup_s=%.3f\n",
      run.figure("updates_accepted") / run.figure("training_seconds"),
      run.peak_bytes, double(1 << 30), run.figure("startup_seconds"));
}
