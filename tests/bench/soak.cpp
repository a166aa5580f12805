// A long run beside which nothing may grow: leases of two seconds at full rate.
//   soak rate|evaluations|stragglers [SECONDS]   (1,800)
//
// rate          a lease takes a millisecond, on two slots
// evaluations   the same, and scoring a version takes longer than a lease may
// stragglers    the same, and now and then a learner stops only long after it
//               was told to, so that its slot is lost and comes back
//
// Prints a sample every ten seconds: resident memory, open files, threads and
// the journal's size, then how resident memory of the last third of the time
// compares with the third before. Exits 1 if it grew by more than a twentieth,
// if files or threads grew, or if the run failed. Stop it with SIGINT.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "runtime/launch.hpp"
#include "runtime/topology.hpp"
#include "tests/bench/idle_learner.hpp"
#include "tests/support/small_learner.hpp"

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class slow_learner : public troupe::bench::idle_learner {
public:
  slow_learner(std::size_t size, std::string mode)
      : idle_learner(size), mode_(std::move(mode)) {}

  troupe::training::outcome train(std::span<float> parameters,
      const troupe::training::assignment& work, std::stop_token stop) override {
    std::this_thread::sleep_for(1ms);
    if (mode_ == "stragglers" && work.version % 50 == 0 && work.client == 7)
      std::this_thread::sleep_for(5s);
    return idle_learner::train(parameters, work, stop);
  }

  troupe::training::evaluation evaluate(std::span<const float> parameters,
      const troupe::training::view& data, std::stop_token stop) override {
    if (mode_ == "evaluations")
      std::this_thread::sleep_for(3s);
    return idle_learner::evaluate(parameters, data, stop);
  }

private:
  std::string mode_;
};

int run(const std::string& mode, const fs::path& place) {
  using namespace troupe;
  const auto make = [mode](gpu::device) {
    return std::make_unique<slow_learner>(1000, mode);
  };
  const auto what =
      topology{"soak"}
          .learner(make, "slow")
          .aggregator(fedavg{.fraction = 0.1, .weighting = "uniform"})
          .clients(1000)
          .evaluate(tests::blank_samples(500), every{100})
          .slots(2)
          .until(rounds{1'000'000'000})
          .with({"federation.lease_seconds=2"});
  return execute(what, {.out = place, .quiet = true});
}

struct sample {
  double seconds = 0.0;
  double megabytes = 0.0; ///< resident
  long files = 0;
  long threads = 0;
};

long entries(const fs::path& directory) {
  std::error_code gone;
  return std::distance(fs::directory_iterator{directory, gone}, {});
}

double resident_megabytes(const fs::path& process) {
  std::ifstream statm{process / "statm"};
  long all = 0, resident = 0;
  statm >> all >> resident;
  return double(resident) * double(sysconf(_SC_PAGESIZE)) / 1e6;
}

std::vector<sample> watch(pid_t child, const fs::path& place, int seconds) {
  const auto process = fs::path{"/proc"} / std::to_string(child);
  const auto start = std::chrono::steady_clock::now();
  std::vector<sample> seen;
  std::puts("    s       MB  files  threads  journal MB");
  for (int second = 10; second <= seconds; second += 10) {
    std::this_thread::sleep_until(start + std::chrono::seconds{second});
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child)
      return {};
    seen.push_back({double(second), resident_megabytes(process),
        entries(process / "fd"), entries(process / "task")});
    std::error_code none;
    const auto& now = seen.back();
    std::printf("%5d %8.1f %6ld %8ld %11.1f\n", second, now.megabytes,
        now.files, now.threads,
        double(fs::file_size(place / "facts.jsonl", none)) / 1e6);
    std::fflush(stdout);
  }
  return seen;
}

/// The worst of the samples in [first, last) thirds of the time.
sample worst(const std::vector<sample>& seen, std::size_t third) {
  sample result;
  for (auto i = third * seen.size() / 3; i < (third + 1) * seen.size() / 3; ++i)
    result = {seen[i].seconds, std::max(result.megabytes, seen[i].megabytes),
        std::max(result.files, seen[i].files),
        std::max(result.threads, seen[i].threads)};
  return result;
}

} // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const int seconds = argc > 2 ? std::atoi(argv[2]) : 1800;
  if ((mode != "rate" && mode != "evaluations" && mode != "stragglers") ||
      seconds < 90) {
    std::fputs(
        "usage: soak rate|evaluations|stragglers [SECONDS, from 90]\n", stderr);
    return 2;
  }
  char name[] = "/tmp/troupe-soak-XXXXXX";
  if (!mkdtemp(name))
    return 1;
  const auto place = fs::path{name} / "run";
  std::signal(SIGINT, SIG_IGN); // the run's affair: it ends, and so do we
  const auto child = fork();
  if (child == 0) {
    std::signal(SIGINT, SIG_DFL);
    std::_Exit(run(mode, place));
  }
  const auto seen = watch(child, place, seconds);
  int status = -1;
  if (!seen.empty()) {
    kill(child, SIGINT);
    waitpid(child, &status, 0);
  }
  fs::remove_all(name);
  const bool interrupted = WIFEXITED(status) && WEXITSTATUS(status) == 130;
  if (seen.empty() || !interrupted) {
    std::fputs("soak: the run failed\n", stderr);
    return 1;
  }
  const auto before = worst(seen, 1), after = worst(seen, 2);
  const auto growth = after.megabytes / before.megabytes;
  std::printf("soak %s second_third_mb=%.1f last_third_mb=%.1f growth=%.3f "
              "files=%ld threads=%ld\n",
      mode.c_str(), before.megabytes, after.megabytes, growth, after.files,
      after.threads);
  return growth <= 1.05 && after.files <= before.files &&
                 after.threads <= before.threads
             ? 0
             : 1;
}
