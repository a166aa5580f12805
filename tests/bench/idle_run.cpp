// A program whose clients do not train, for figures of a cluster: it takes the
// flags of any program of Troupe's, `--listen` and `--join` among them. Usage:
//   idle_run VALUES MILLISECONDS CLIENTS [option]...
// Its model has so many values, and each of its clients takes so long.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "runtime/launch.hpp"
#include "runtime/topology.hpp"
#include "tests/bench/idle_learner.hpp"

namespace {

using namespace troupe;

class slow_learner final : public bench::idle_learner {
public:
  slow_learner(std::size_t size, std::chrono::milliseconds takes)
      : idle_learner(size), takes_(takes) {}

  training::outcome train(std::span<float> parameters,
      const training::assignment& work, std::stop_token stop) override {
    std::this_thread::sleep_for(takes_);
    return idle_learner::train(parameters, work, std::move(stop));
  }

private:
  std::chrono::milliseconds takes_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(
        stderr, "usage: idle_run VALUES MILLISECONDS CLIENTS [option]...\n");
    return 2;
  }
  const auto values = std::strtoull(argv[1], nullptr, 10);
  const std::chrono::milliseconds takes{std::atoi(argv[2])};
  const auto clients = std::strtoull(argv[3], nullptr, 10);
  const auto make = [=](gpu::device) {
    return std::make_unique<slow_learner>(values, takes);
  };
  argv[3] = argv[0];
  return launch(topology{"idle"}
                    .learner(make, "idle")
                    .aggregator(fedavg{.fraction = 1.0, .weighting = "uniform"})
                    .clients(clients)
                    .slots(1)
                    .until(rounds{10}),
      argc - 3, argv + 3);
}
