// How fast a float block enters the exact accumulator, beside memcpy of the
// same block in the same run. Usage: accumulator_bench [values] [repetitions]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "gpu/aggregation/accumulator.hpp"
#include "gpu/buffer.hpp"
#include "gpu/random.hpp"

namespace {

using namespace troupe;

template <class Work>
double seconds(Work&& work) {
  auto begin = std::chrono::steady_clock::now();
  work();
  auto end = std::chrono::steady_clock::now();
  return std::chrono::duration<double>(end - begin).count();
}

double median(std::vector<double> values) {
  auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

gpu::buffer small_values(std::size_t count) {
  auto random = gpu::random_stream{1, gpu::stream::user};
  auto values = gpu::buffer(count);
  for (auto& value : values.span())
    value = static_cast<float>(random.uniform() - 0.5);
  return values;
}

} // namespace

int main(int argc, char** argv) {
  auto count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 25'000'000;
  auto repetitions = argc > 2 ? std::atoi(argv[2]) : 15;
  auto values = small_values(count);
  auto copy = small_values(count);
  auto sums = gpu::accumulator{count};
  auto admitted = true;
  std::vector<double> adding, copying;
  for (int i = 0; i < repetitions; ++i) {
    copying.push_back(seconds([&] {
      std::memcpy(copy.span().data(), values.span().data(), values.bytes());
      asm volatile("" : : "r"(copy.span().data()) : "memory");
    }));
    adding.push_back(seconds([&] {
      admitted =
          sums.add(values.span(), 0.01) == gpu::admission::added && admitted;
    }));
  }
  if (!admitted) {
    std::fputs("accumulator_bench: an ordinary update was refused\n", stderr);
    return 1;
  }
  auto bytes = static_cast<double>(count * sizeof(float));
  auto accumulator = bytes / median(adding);
  auto memcpy_ = bytes / median(copying);
  std::printf("accumulator bytes_per_s=%.4g memcpy_bytes_per_s=%.4g "
              "ratio=%.3f\n",
      accumulator, memcpy_, accumulator / memcpy_);
}
