// A whole run on two slots against two bare training loops side by side: steps
// a second from the first lease to the last publication, evaluations included.

#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "gpu/device.hpp"
#include "gpu/training/trainer.hpp"
#include "runtime/data/partition.hpp"
#include "runtime/data/splits.hpp"
#include "runtime/launch.hpp"
#include "runtime/topology.hpp"
#include "tests/bench/run_in_child.hpp"

namespace {

using namespace troupe;

const models::model model = models::mlp({784, 200, 200, 10});
constexpr std::uint64_t rounds_to_do = 50;

// The clients' samples one after the other, as a slot of the run has them.
std::uint64_t bare_loop(const data::partition& clients) {
  auto learner = training::trainer(model)({});
  std::vector<float> start(gpu::size(learner->layout()));
  learner->initialise(start, 1);
  auto parameters = start;
  std::uint64_t steps = 0;
  for (std::uint64_t i = 0; i < rounds_to_do * 5; ++i) {
    training::assignment work{i, i / 5, clients[i % clients.size()], {},
        gpu::random_stream{1, gpu::stream::train, i}};
    steps += learner->train(parameters, work, {}).steps;
  }
  return steps;
}

double bare_steps_per_s(const data::partition& clients) {
  using clock = std::chrono::steady_clock;
  std::uint64_t steps[2] = {};
  const auto start = clock::now();
  std::thread other{[&] { steps[1] = bare_loop(clients); }};
  steps[0] = bare_loop(clients);
  other.join();
  return double(steps[0] + steps[1]) /
         std::chrono::duration<double>(clock::now() - start).count();
}

// Reading the data is a part of starting up.
bench::child_run whole_run() {
  return bench::run_in_child([&](const auto& place) {
    const auto set = data::fashion_mnist();
    const auto what = topology{"fashion"}
                          .model(model)
                          .aggregator(fedavg{.fraction = 0.1})
                          .clients(100, sgd{.lr = 0.05f}, {},
                              data::iid(training::view{set.train}))
                          .evaluate(training::view{set.test}, every{10})
                          .slots(2)
                          .until(rounds{rounds_to_do});
    return execute(what, {.out = place, .quiet = true});
  });
}

} // namespace

int main() {
  gpu::use_one_blas_thread();
  const auto clients = data::partition_iid(data::fashion_mnist().train, 100, 1);
  // One after the other, so that a machine that slows down slows both.
  const auto bare = bare_steps_per_s(clients);
  const auto run = whole_run();
  if (run.exit_code != 0)
    return 1;
  std::printf(
      "run fashion steps_per_s=%.0f bare_steps_per_s=%.0f startup_s=%.3f "
      "accuracy=%.4f\n",
      run.figure("steps") / run.figure("training_seconds"), bare,
      run.figure("startup_seconds"), run.figure("accuracy"));
}
