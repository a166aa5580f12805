// How long a run of a million accepted updates takes to be taken up, beyond one
// of ten thousand; and the peak memory of both.
//   resume_bench [rounds]

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/launch.hpp"
#include "runtime/topology.hpp"
#include "tests/bench/idle_learner.hpp"
#include "tests/bench/run_in_child.hpp"

namespace {

using namespace troupe;

topology idle(std::uint64_t many) {
  return topology{"idle"}
      .learner(bench::idle_learners(1000), "idle")
      .aggregator(fedavg{.fraction = 0.1, .weighting = "uniform"})
      .clients(100'000)
      .slots(2)
      .until(rounds{many});
}

struct taking_up {
  double startup_seconds = 0.0;
  double peak_bytes = 0.0;
};

template <class Body>
bool in_process(Body&& body) {
  const auto child = fork();
  if (child == 0)
    std::_Exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0;
}

// The parent's own figure has those of all its children in it.
void note_peak(const std::filesystem::path& summary) {
  auto all = nlohmann::json::parse(std::ifstream{summary});
  std::ifstream figures{"/proc/self/status"};
  for (std::string line; std::getline(figures, line);)
    if (line.starts_with("VmHWM:"))
      all["peak_bytes"] = 1024.0 * std::stod(line.substr(6));
  std::ofstream{summary} << all;
}

taking_up take_up(std::uint64_t many) {
  const auto run = bench::run_in_child([&](const auto& place) {
    const auto trained = in_process(
        [&] { return execute(idle(many), {.out = place, .quiet = true}); });
    const auto resumed = trained && in_process([&] {
      const auto code = execute(
          idle(many + 1), {.out = place, .resume = true, .quiet = true});
      note_peak(place / "summary.json");
      return code;
    });
    return resumed ? 0 : 1;
  });
  if (run.exit_code != 0)
    std::exit(1);
  return {run.figure("startup_seconds"), run.figure("peak_bytes")};
}

} // namespace

int main(int argc, char** argv) {
  const auto many = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100;
  const auto brief = take_up(1);
  const auto whole = take_up(many);
  std::printf("resume 1M startup_s=%.3f brief_startup_s=%.3f beyond_s=%.3f "
              "peak_bytes=%.0f brief_peak_bytes=%.0f\n",
      whole.startup_seconds, brief.startup_seconds,
      whole.startup_seconds - brief.startup_seconds, whole.peak_bytes,
      brief.peak_bytes);
}
