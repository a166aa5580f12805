// Accepted updates a second over two processes when training costs nothing: a
// coordinator that trains nobody, with journal, and one node, on loopback in
// the clear. Every delta and version goes over the wire.
//   cluster_updates_bench [parameters [rounds [clients [slots]]]]

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cluster/node.hpp"
#include "runtime/company/interruption.hpp"
#include "runtime/launch.hpp"
#include "runtime/topology.hpp"
#include "tests/bench/free_port.hpp"
#include "tests/bench/idle_learner.hpp"
#include "tests/bench/run_in_child.hpp"

namespace {

using namespace troupe;

struct size {
  std::uint64_t parameters = 1'000, rounds = 100, clients = 10'000, slots = 2;
};

topology idle(const size& of) {
  return topology{"idle"}
      .learner(bench::idle_learners(of.parameters), "idle")
      .aggregator(fedavg{.fraction = 0.5, .weighting = "uniform"})
      .clients(of.clients)
      .devices({"cpu"})
      .slots(0)
      .until(rounds{of.rounds});
}

// Before this process has threads.
pid_t begin_node(const std::string& at, const size& of) {
  const auto child = fork();
  if (child == 0) {
    interruption signals;
    join_options how;
    how.at = at;
    how.slots = of.slots;
    how.quiet = true;
    std::_Exit(join(how, idle(of), signals));
  }
  return child;
}

bench::child_run coordinate(const std::string& at, const size& of) {
  return bench::run_in_child([&](const auto& place) {
    run_options how{.out = place, .quiet = true};
    how.cluster.at = at;
    how.cluster.nodes = 1;
    return execute(idle(of), how);
  });
}

} // namespace

int main(int argc, char** argv) {
  size of;
  std::uint64_t* const given[] = {
      &of.parameters, &of.rounds, &of.clients, &of.slots};
  for (int i = 1; i < argc && i <= 4; ++i)
    *given[i - 1] = std::strtoull(argv[i], nullptr, 10);
  const auto at = fmt::format("127.0.0.1:{}", bench::free_port());
  const auto node = begin_node(at, of);
  const auto run = coordinate(at, of);
  int status = 0;
  if (run.exit_code != 0)
    kill(node, SIGKILL);
  waitpid(node, &status, 0);
  if (run.exit_code != 0 || status != 0)
    return 1;
  std::printf(
      "cluster idle updates_per_s=%.0f parameters=%zu peak_bytes=%.0f\n",
      run.figure("updates_accepted") / run.figure("training_seconds"),
      std::size_t{of.parameters}, run.peak_bytes);
}
