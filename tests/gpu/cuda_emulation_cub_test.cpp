// What of CUB is emulated, against the standard library.
#include <cuda_runtime.h>

#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_reduce.cuh>
#include <cub/device/device_scan.cuh>
#include <cub/device/device_select.cuh>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gpu/cuda_fixture.hpp"

namespace {

// Over counts that are none, one, prime and large.
struct cub_test : cuda_fixture, testing::WithParamInterface<int> {
  template <class Call>
  void run(Call&& call) {
    std::size_t bytes = 0;
    ASSERT_EQ(call(nullptr, bytes), 0);
    auto* storage = device<char>(bytes);
    ASSERT_EQ(call(storage, bytes), 0);
  }
  std::vector<unsigned> values(int count) {
    std::vector<unsigned> result(static_cast<std::size_t>(count));
    auto x = 1u;
    for (auto& one : result)
      one = (x = x * 1664525 + 1013904223) >> 20;
    return result;
  }
  void SetUp() override {
    in = values(GetParam());
    at = device(in);
    out = device<unsigned>(in.size());
  }
  std::vector<unsigned> in;
  unsigned* at = nullptr;
  unsigned* out = nullptr;
};

TEST_P(cub_test, reduces) {
  auto* result = device<unsigned>(3);

  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceReduce::Sum(storage, bytes, at, result, GetParam(), on);
  });
  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceReduce::Max(
        storage, bytes, at, result + 1, GetParam(), on);
  });
  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceReduce::Min(
        storage, bytes, at, result + 2, GetParam(), on);
  });

  auto sum = std::accumulate(in.begin(), in.end(), 0u);
  auto most = in.empty() ? 0u : std::ranges::max(in);
  auto least = in.empty() ? ~0u : std::ranges::min(in);
  EXPECT_EQ(host(result, 3), (std::vector<unsigned>{sum, most, least}));
}

TEST_P(cub_test, scans) {
  auto* before = device<unsigned>(in.size());

  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceScan::InclusiveSum(
        storage, bytes, at, out, GetParam(), on);
  });
  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceScan::ExclusiveSum(
        storage, bytes, at, before, GetParam(), on);
  });

  auto sum = 0u;
  auto with = host(out, in.size()), without = host(before, in.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    EXPECT_EQ(without[i], sum);
    sum += in[i];
    EXPECT_EQ(with[i], sum);
  }
}

TEST_P(cub_test, selects) {
  std::vector<char> flags;
  for (auto one : in)
    flags.push_back(one % 3 == 0);
  auto* flagged = device(flags);
  auto* count = device<int>(1);

  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceSelect::Flagged(
        storage, bytes, at, flagged, out, count, GetParam(), on);
  });

  std::vector<unsigned> expected;
  std::ranges::copy_if(
      in, std::back_inserter(expected), [](auto x) { return x % 3 == 0; });
  auto found = static_cast<std::size_t>(host(count, 1)[0]);
  EXPECT_EQ(host(out, found), expected);
}

TEST_P(cub_test, sorts_stably) {
  std::vector<unsigned> order(in.size());
  std::iota(order.begin(), order.end(), 0u);
  auto* indices = device(order);
  auto* sorted = device<unsigned>(in.size());

  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(
        storage, bytes, at, out, indices, sorted, GetParam(), 2, 10, on);
  });

  std::ranges::stable_sort(
      order, {}, [&](auto i) { return in[i] >> 2 & 0xff; });
  EXPECT_EQ(host(sorted, in.size()), order);
}

INSTANTIATE_TEST_SUITE_P(counts, cub_test, testing::Values(0, 1, 1009, 20000));

} // namespace
