// A program whose learner misbehaves as the environment's MISHAP says; the
// failures that no configuration can bring about are tested with it.
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>

#include "runtime/launch.hpp"
#include "tests/support/small_learner.hpp"

namespace troupe::tests {

namespace {

// Never returns, whatever it is asked.
[[noreturn]] void ignore(const std::stop_token& stop) {
  std::fputs("the learner is here to stay\n", stderr);
  std::stop_callback told{
      stop, [] { std::fputs("the learner was told to stop\n", stderr); }};
  std::mutex guard;
  std::unique_lock lock{guard};
  std::condition_variable never;
  for (;;)
    never.wait(lock);
}

// Whether this client was asked for the first time.
bool first_time(std::uint64_t client) {
  static std::array<std::atomic<bool>, 10> asked;
  return !asked.at(client).exchange(true);
}

// Answers whether the parameters are to be spoilt.
bool happen(const std::string& what, const training::assignment& work,
    const std::stop_token& stop) {
  if (what == "one throws" && work.client == 3)
    throw std::runtime_error("no power at home");
  if (what == "all throw")
    throw std::runtime_error("flood");
  if (what == "most throw" && work.client > 0 && work.version == 0)
    throw std::runtime_error("still asleep");
  if (what == "most oversleep" && work.client > 0 && first_time(work.client))
    throw std::runtime_error("still asleep");
  if (what == "one stays" && work.client == 5 && work.version == 0)
    ignore(stop);
  if (what == "all stay")
    ignore(stop);
  return what == "one spoils" && work.client == 4;
}

// As long as an evaluation of a large test set takes, unless it is to stop.
void dawdle(const std::stop_token& stop) {
  std::fputs("the evaluation dawdles\n", stderr);
  std::mutex guard;
  std::unique_lock lock{guard};
  std::condition_variable_any stopped;
  stopped.wait_for(lock, stop, std::chrono::minutes{2}, [] { return false; });
}

void doubt(const std::string& what, const std::stop_token& stop) {
  if (what == "evaluation throws")
    throw std::runtime_error("the test set is gone");
  if (what == "evaluation dawdles")
    dawdle(stop);
  if (what == "evaluation stays")
    ignore(stop);
}

topology ten_clients(const std::string& mishap) {
  return topology{"mishaps"}
      .learner(
          small_learners(
              17,
              [mishap](const training::assignment& work, std::stop_token stop) {
                return happen(mishap, work, stop);
              },
              [mishap](std::stop_token stop) { doubt(mishap, stop); }),
          "small")
      .aggregator(fedavg{.fraction = 1.0, .weighting = "uniform"})
      .clients(10)
      .evaluate(blank_samples(100), every{0})
      .until(rounds{3})
      .slots(2);
}

} // namespace

} // namespace troupe::tests

int main(int argc, char** argv) {
  const auto* mishap = std::getenv("MISHAP");
  return troupe::launch(
      troupe::tests::ten_clients(mishap ? mishap : ""), argc, argv);
}
