// What clients' states cost: accepted updates a second as in updates_bench, by
// learners whose clients keep one value and by ones that keep nothing, with the
// journal and checkpoints; and a checkpoint of states, against its bytes
// written and synced as one file.
//   client_state_bench [rounds]

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "gpu/training/stateful_learner.hpp"
#include "runtime/launch.hpp"
#include "runtime/record/checkpoint_states.hpp"
#include "runtime/topology.hpp"
#include "tests/bench/idle_learner.hpp"
#include "tests/bench/run_in_child.hpp"

namespace {

using namespace troupe;

struct remembering_learner : training::stateful_learner {
  gpu::layout layout() const override { return idle.layout(); }
  void initialise(std::span<float> w, std::uint64_t seed) override {
    idle.initialise(w, seed);
  }
  training::outcome train_with(std::vector<float>& state, std::span<float> w,
      const training::assignment& work, std::stop_token stop) override {
    state.resize(1);
    ++state[0];
    return idle.train(w, work, std::move(stop));
  }
  training::evaluation evaluate(std::span<const float> w,
      const training::view& data, std::stop_token stop) override {
    return idle.evaluate(w, data, std::move(stop));
  }
  bench::idle_learner idle{1000};
};

double updates_per_s(std::uint64_t many, training::learner_factory make) {
  const auto run = bench::run_in_child([&](const auto& place) {
    return execute(
        topology{"idle"}
            .learner(std::move(make), "idle")
            .aggregator(fedavg{.fraction = 0.1, .weighting = "uniform"})
            .clients(100'000)
            .devices({"cpu"})
            .slots(2)
            .until(rounds{many}),
        {.out = place, .quiet = true});
  });
  if (run.exit_code != 0)
    std::exit(1);
  return run.figure("updates_accepted") / run.figure("training_seconds");
}

template <class Work>
double seconds_of(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

void store(client_id clients, std::size_t values) {
  std::vector<client_state> all;
  for (client_id c = 0; c < clients; ++c) {
    auto block = std::make_shared<gpu::buffer>(values);
    for (auto& x : block->span())
      x = static_cast<float>(c);
    all.push_back({c, std::move(block)});
  }
  const state_table states{all};
  auto& disk = files::system();
  const std::filesystem::path path = "client_state_bench.safetensors";
  const auto wrote = seconds_of([&] { write_states(disk, path, states); });
  const auto read = seconds_of([&] { read_states(disk, path); });
  const auto bytes = disk.read_all(path);
  const auto plain =
      seconds_of([&] { disk.write_atomically(path, std::string_view{bytes}); });
  disk.remove(path);
  std::printf("states of_%u_times_%zu bytes=%zu write_s=%.3f plain_s=%.3f "
              "read_s=%.3f\n",
      clients, values, bytes.size(), wrote, plain, read);
}

} // namespace

int main(int argc, char** argv) {
  const auto many = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 30;
  const auto with = updates_per_s(many,
      [](gpu::device) { return std::make_unique<remembering_learner>(); });
  const auto without = updates_per_s(many, bench::idle_learners(1000));
  std::printf(
      "states idle updates_per_s=%.0f without_per_s=%.0f\n", with, without);
  store(100'000, 1);
  store(10'000, 1'000);
  store(100, 250'000);
}
