// Two GPUs of one process: what one makes, the other reads.

#include "gpu/collective/communicator.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "gpu/copy.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/ranks.hpp"

namespace troupe::tests {
namespace {

struct peers_test : testing::Test {
  void SetUp() override {
    const auto all = gpu_devices();
    if (all.size() < 2)
      GTEST_SKIP() << (all.empty() ? gpu::why_no_gpu() : "there is one GPU");
    for (const auto& where : all)
      streams.emplace_back(where);
  }

  /// Filled with `first`, `first` + 1, ... and there.
  static gpu::buffer filled(
      gpu::device_stream& on, std::size_t count, float first) {
    std::vector<float> values(count);
    std::iota(values.begin(), values.end(), first);
    gpu::buffer result{count, on};
    gpu::copy<float>(on, values, result.span());
    on.synchronise();
    return result;
  }
  static std::vector<float> fetched(
      gpu::device_stream& on, const gpu::buffer& from) {
    std::vector<float> result(from.size());
    gpu::copy<float>(on, from.span(), result);
    on.synchronise();
    return result;
  }

  std::vector<gpu::device_stream> streams;
};

TEST_F(peers_test, copy_between_any_two_as_it_is) {
  for (std::size_t count : {1u, 1009u, 3'000'001u})
    for (auto& from : streams)
      for (auto& to : streams) {
        const auto source = filled(from, count, 3.0f);
        gpu::buffer target{count, to};

        gpu::copy_across(to, source, {0, source.size()}, target.span());

        EXPECT_EQ(fetched(to, target), fetched(from, source))
            << gpu::to_string(from.where()) << " to "
            << gpu::to_string(to.where());
      }
}

TEST_F(peers_test, add_what_lies_in_the_memory_of_each) {
  if (auto why = gpu::cuda::nccl_absence(); !why.empty())
    GTEST_SKIP() << why;
  const auto id = gpu::communicator::make_id();
  const auto size = int(streams.size());
  as_ranks(size, [&](int rank) {
    auto& on = streams[std::size_t(rank)];
    gpu::communicator group{
        {.id = id, .rank = rank, .size = size, .where = on.where()}};
    for (std::size_t count : {1u, 1009u, 3'000'001u}) {
      auto x = filled(on, count, 1.0f);

      group.all_reduce(on, x.span(), x.span());
      finish(group, on);

      const auto sums = fetched(on, x);
      EXPECT_EQ(sums.front(), float(size));
      EXPECT_EQ(sums.back(), float(size) * float(count));
    }
    group.finalize();
  });
}

} // namespace
} // namespace troupe::tests
