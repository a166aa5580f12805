// A learner whose clients remember.
//
// Thirty stations measure one quantity, each with noise. A station makes
// smaller steps the more often it has helped to make a version: so its noise
// dies out. How often that was, it keeps in its state, which travels with its
// lease and is stored with the version that took its update. A lease that fails
// leaves no trace in it.
//
// Run `client_state`; it takes a second and the options of `troupe run`. In the
// end the program looks into the run's directory: each station's counter has to
// be the number of its updates that the journal tells of.
//
//   completed: version 200/200  accuracy 1.0000  ...
//   30 stations have counted 1000 updates, as the journal has
#include "runtime/troupe.hpp"

#include "runtime/record/journal.hpp"
#include "runtime/record/run_directory.hpp"

#include <cmath>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string_view>

namespace {

using namespace troupe;

constexpr std::size_t stations = 30;
constexpr float truth = 2.0f;

class station : public training::stateful_learner {
public:
  gpu::layout layout() const override {
    gpu::layout result;
    gpu::append(result, "quantity", {1});
    return result;
  }

  void initialise(std::span<float> w, std::uint64_t) override { w[0] = 0.0f; }

  training::outcome train_with(std::vector<float>& state, std::span<float> w,
      const training::assignment& work, std::stop_token) override {
    state.resize(1); // the first time it is empty
    auto random = work.random;
    if (random.below(50) == 0)
      throw std::runtime_error("the instrument is being cleaned");
    auto error = w[0] - (truth + float(random.normal()));
    w[0] -= work.how.lr / (1.0f + state[0]) * error;
    ++state[0];
    return {1, 1, 0.5 * error * error};
  }

  training::evaluation evaluate(std::span<const float> w, const training::view&,
      std::stop_token) override {
    auto error = w[0] - truth;
    return {1, std::abs(error) < 0.5f, error * error};
  }
};

training::shared_dataset one_sample() {
  return std::make_shared<const training::dataset>(training::dataset{
      {1}, 1, std::vector<float>{truth}, std::vector<std::uint8_t>(1)});
}

// By the journal: each station's updates that are in a version.
std::map<client_id, float> counted(const run_directory& place) {
  std::map<client_id, float> result, open;
  const auto journal = files::system().read_all(place.journal());
  for (const auto& fact : journal::standing(journal)) {
    if (auto* update = std::get_if<facts::accepted>(&fact.what))
      ++open[update->client];
    else if (std::holds_alternative<facts::published>(fact.what))
      for (auto [client, updates] : std::exchange(open, {}))
        result[client] += updates;
  }
  return result;
}

int compare(const run_directory& place) {
  const auto last = recall(files::system(), place, station{}.layout()).state;
  const auto told = counted(place);
  auto right = last && last->states.size() == told.size();
  auto updates = 0.0f;
  for (auto [client, count] : told) {
    right = right && last->states.of(client)->span()[0] == count;
    updates += count;
  }
  std::printf("%zu stations have counted %.0f updates, %s\n", told.size(),
      updates, right ? "as the journal has" : "which is WRONG");
  return right ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  auto make = [](gpu::device) { return std::make_unique<station>(); };
  auto run = topology{"client_state"}
                 .learner(make, "station")
                 .aggregator(fedbuff{.buffer = 5, .concurrency = 10})
                 .clients(stations, sgd{.lr = 0.9f})
                 .evaluate(one_sample(), every{50})
                 .until(versions{200});
  auto code = launch(run, argc, argv);
  for (int i = 1; i + 1 < argc && code == 0; ++i)
    if (argv[i] == std::string_view{"--out"})
      code = compare(run_directory{argv[i + 1]});
  return code;
}
