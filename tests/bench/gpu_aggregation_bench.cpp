// How fast a GPU aggregates, beside the least bytes that each operation has to
// move (floor_bytes) and a copy within its memory in the same run, whose bytes
// are read and written. Without a GPU it says so.
// Usage: gpu_aggregation_bench [divide sizes by] [repetitions]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "gpu/aggregation/coordinate_median.hpp"
#include "gpu/aggregation/device_accumulator.hpp"
#include "gpu/aggregation/norms.hpp"
#include "gpu/aggregation/top_k.hpp"
#include "gpu/block.hpp"
#include "gpu/copy.hpp"
#include "gpu/cuda/presence.hpp"
#include "gpu/cuda/primitives.hpp"
#include "gpu/random.hpp"
#include "tests/support/devices.hpp"

namespace {

using namespace troupe;

// Magnitudes of some powers of two, hardly ever one twice.
std::vector<float> drawn(std::size_t count) {
  auto random = gpu::random_stream{1, gpu::stream::user};
  std::vector<float> result(count);
  for (auto& value : result) {
    const auto word = random.next();
    value = (static_cast<float>(word >> 8) * 0x1p-24f - 0.5f) /
            static_cast<float>(1u << (word & 7));
  }
  return result;
}

class bench {
public:
  bench(gpu::device where, std::size_t divisor, int repetitions)
      : on_(where),
        repetitions_(repetitions),
        pool_(100'000'000 / divisor, on_),
        parameters_(25'000'000 / divisor) {
    const auto values = drawn(pool_.size());
    gpu::copy(on_, values, pool_.span());
    on_.synchronise();
  }

  void run() {
    measure_copy();
    accumulate();
    median_of_64();
    largest_percent();
  }

private:
  // The median time of `work`, which may leave the stream busy.
  template <class Work>
  double seconds(Work&& work) {
    std::vector<double> times;
    for (int i = 0; i <= repetitions_; ++i) {
      on_.synchronise();
      const auto begin = std::chrono::steady_clock::now();
      work();
      on_.synchronise();
      const auto end = std::chrono::steady_clock::now();
      if (i > 0) // the first one is for warming up
        times.push_back(std::chrono::duration<double>(end - begin).count());
    }
    const auto middle = times.begin() + static_cast<long>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
  }

  template <class Work>
  void report(const char* name, std::size_t floor_bytes, Work&& work) {
    const auto rate = static_cast<double>(floor_bytes) / seconds(work);
    std::printf("aggregation %s gbytes_per_s=%.4g copy_gbytes_per_s=%.4g "
                "ratio=%.3f floor_bytes=%zu\n",
        name, rate / 1e9, copy_rate_ / 1e9, rate / copy_rate_, floor_bytes);
    std::fflush(stdout);
  }

  // Different ones, by where in the pool they start.
  std::vector<gpu::buffer> updates(std::size_t count, std::size_t size) {
    std::vector<gpu::buffer> result;
    for (std::size_t i = 0; i < count; ++i) {
      result.emplace_back(size, on_);
      const auto start = i * (pool_.size() - size) / count;
      gpu::copy(on_, pool_.span().subspan(start, size), result.back().span());
    }
    return result;
  }

  void measure_copy() {
    auto target = gpu::buffer(pool_.size(), on_);
    const auto time =
        seconds([&] { gpu::copy(on_, pool_.span(), target.span()); });
    copy_rate_ = 2.0 * static_cast<double>(pool_.bytes()) / time;
  }

  void accumulate() {
    constexpr std::size_t count = 100;
    auto held = updates(count, parameters_);
    std::vector<gpu::contribution> some;
    std::vector<std::span<const float>> spans;
    for (const auto& each : held) {
      some.push_back({each.span(), 0.01, 0.01});
      spans.push_back(each.span());
    }
    auto sums = gpu::device_accumulator(on_, parameters_);
    auto admitted = true;
    auto add = [&](std::span<const gpu::contribution> part) {
      for (auto said : sums.add(on_, part))
        admitted = admitted && said == gpu::admission::added;
    };
    report(
        "accumulate_batch", (4 * count + 16) * parameters_, [&] { add(some); });
    report("accumulate_one_by_one", 20 * count * parameters_, [&] {
      for (std::size_t i = 0; i < count; ++i)
        add(std::span{some}.subspan(i, 1));
    });
    if (!admitted)
      std::printf("aggregation refused an ordinary update\n");
    report("norms", 4 * count * parameters_,
        [&] { static_cast<void>(gpu::norms(on_, spans)); });
    if constexpr (gpu::cuda::present)
      report("squares_by_thrust", 4 * count * parameters_, [&] {
        for (auto each : spans)
          gpu::cuda::primitives::sum_of_squares(on_, each);
      });
  }

  void median_of_64() {
    const auto size = parameters_ / 25 * 4;
    auto held = updates(64, size);
    std::vector<std::span<const float>> spans(held.size());
    std::transform(held.begin(), held.end(), spans.begin(),
        [](const auto& each) { return each.span(); });
    auto out = gpu::buffer(size, on_);
    report("coordinate_median", 4 * (64 + 1) * size,
        [&] { gpu::coordinate_median(on_, spans, out.span()); });
  }

  void largest_percent() {
    const auto k = pool_.size() / 100;
    auto kept = gpu::buffer(k, on_);
    auto held = gpu::buffer(k, on_); // a float's room for each index
    const auto indices =
        std::span{reinterpret_cast<std::uint32_t*>(held.span().data()), k};
    report("top_percent", 4 * pool_.size() + 8 * k,
        [&] { gpu::top_k(on_, pool_.span(), indices, kept.span()); });
    if constexpr (gpu::cuda::present)
      sort_all(4 * pool_.size() + 8 * k);
  }

  // How the k largest would be found without a kernel of our own.
  void sort_all(std::size_t floor_bytes) {
    auto keys = gpu::block<std::uint32_t>(pool_.size(), on_);
    auto values = gpu::block<std::uint32_t>(pool_.size(), on_);
    const auto pool =
        std::span{reinterpret_cast<const std::uint32_t*>(pool_.span().data()),
            pool_.size()};
    gpu::copy(on_, pool, values.span());
    report("sort_by_thrust", floor_bytes, [&] {
      gpu::copy(on_, pool, keys.span());
      gpu::cuda::primitives::sort(on_, keys.span(), values.span());
    });
  }

  gpu::device_stream on_;
  int repetitions_;
  gpu::buffer pool_;
  std::size_t parameters_;
  double copy_rate_ = 0.0;
};

} // namespace

int main(int argc, char** argv) try {
  const auto divisor = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  const auto repetitions = argc > 2 ? std::atoi(argv[2]) : 11;
  const auto gpus = tests::gpu_devices();
  if (gpus.empty()) {
    std::printf(
        "gpu_aggregation_bench: skipped: %s\n", gpu::why_no_gpu().c_str());
    return 0;
  }
  bench{gpus.front(), std::max<std::size_t>(divisor, 1), repetitions}.run();
} catch (const std::exception& error) {
  std::fprintf(stderr, "gpu_aggregation_bench: %s\n", error.what());
  return 1;
}
