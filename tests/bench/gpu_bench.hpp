#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <vector>

#include "gpu/device_stream.hpp"
#include "tests/support/devices.hpp"

// What the benchmarks that need a GPU share.
namespace troupe::bench {

inline double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

inline double median(std::vector<double> all) {
  const auto middle = all.begin() + static_cast<long>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

/// Seconds from calling `work` until all that it queued on `on` is done.
template <class Work>
double seconds(gpu::device_stream& on, Work&& work) {
  on.synchronise();
  const auto begin = std::chrono::steady_clock::now();
  work();
  on.synchronise();
  return seconds_since(begin);
}

/// The median of `times` such measurements, after one for warming up.
template <class Work>
double median_seconds(gpu::device_stream& on, int times, Work&& work) {
  std::vector<double> all;
  seconds(on, work);
  for (int i = 0; i < times; ++i)
    all.push_back(seconds(on, work));
  return median(std::move(all));
}

/// The `main` of a benchmark: calls `measure(device, tiny)` for the first GPU;
/// without one it says why and succeeds. --tiny is for trying the benchmark out
/// where a GPU is emulated: its figures mean nothing.
template <class Measure>
int run_on_gpu(const char* name, int argc, char** argv, Measure&& measure) try {
  const bool tiny = argc == 2 && std::strcmp(argv[1], "--tiny") == 0;
  if (argc > 1 && !tiny) {
    std::fprintf(stderr, "usage: %s [--tiny]\n", name);
    return 2;
  }
  const auto gpus = tests::gpu_devices();
  if (gpus.empty()) {
    std::printf("%s: skipped: %s\n", name, gpu::why_no_gpu().c_str());
    return 0;
  }
  measure(gpus.front(), tiny);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s: %s\n", name, error.what());
  return 1;
}

} // namespace troupe::bench
