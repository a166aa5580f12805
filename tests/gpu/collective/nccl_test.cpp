// NCCL itself on the GPU that is there: every call at world size 1, where what
// goes in comes out, and the refusals. A send needs a receive in the same
// group, so that alone they pass through all_to_all, gather and scatter here.

#include "gpu/collective/communicator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "gpu/copy.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/ranks.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using gpu::communicator;
using gpu::cuda::nccl_result;
using testing::HasSubstr;

struct nccl_test : testing::Test {
  void SetUp() override {
    if (auto why = gpu::cuda::nccl_absence(); !why.empty())
      GTEST_SKIP() << why;
    const auto all = gpu_devices();
    if (all.empty())
      GTEST_SKIP() << "no GPU on this machine";
    where = all[0];
    on.emplace(where);
  }

  gpu::communicator_options alone() const {
    return {.id = communicator::make_id(),
        .rank = 0,
        .size = 1,
        .where = where,
        .timeout = 60s};
  }

  /// What `call(in, out)` leaves in `out`, which was poisoned.
  template <class Call>
  std::vector<float> passed(const std::vector<float>& values, Call call) {
    gpu::buffer in{values.size(), *on}, out{values.size(), *on};
    const std::vector<float> poison(values.size(), -777.0f);
    gpu::copy(*on, values, in.span());
    gpu::copy(*on, poison, out.span());
    call(in.span(), out.span());
    std::vector<float> result(values.size());
    gpu::copy(*on, std::as_const(out).span(), std::span{result});
    on->synchronise();
    return result;
  }

  gpu::device where;
  std::optional<gpu::device_stream> on;
};

TEST_F(nccl_test, does_every_call_alone) {
  communicator group{alone()};
  for (std::size_t count : {0u, 1u, 1009u, 1'000'003u}) {
    std::vector<float> x(count);
    for (std::size_t i = 0; i < count; ++i)
      x[i] = float(i % 997);
    // NCCL first, or the copies behind it would run too soon.
    const auto through = [&](auto call) {
      return passed(x, [&](auto in, auto out) {
        call(in, out);
        group.wait_ready();
      });
    };
    EXPECT_EQ(
        through([&](auto in, auto out) { group.all_reduce(*on, in, out); }), x);
    EXPECT_EQ(
        through([&](auto in, auto out) { group.reduce(*on, in, out, 0); }), x);
    EXPECT_EQ(through([&](auto in, auto out) {
      group.broadcast(*on, in, 0);
      group.all_gather(*on, in, out);
    }),
        x);
    EXPECT_EQ(
        through([&](auto in, auto out) { group.reduce_scatter(*on, in, out); }),
        x);
    EXPECT_EQ(
        through([&](auto in, auto out) { group.all_to_all(*on, in, out); }), x);
    EXPECT_EQ(
        through([&](auto in, auto out) { group.gather(*on, in, out, 0); }), x);
    EXPECT_EQ(
        through([&](auto in, auto out) { group.scatter(*on, in, out, 0); }), x);
  }
  group.barrier(*on);
  group.finalize();
  EXPECT_EQ(group.poll(), communicator::state::closed);
}

TEST_F(nccl_test, tells_when_it_is_done) {
  communicator group{alone()};
  group.barrier(*on);
  finish(group, *on);
  EXPECT_EQ(group.poll(), communicator::state::ready);
  group.abort();
  EXPECT_EQ(group.poll(), communicator::state::closed);
}

TEST_F(nccl_test, joins_without_waiting) {
  auto group = communicator::start(alone());
  group.wait_ready();
  EXPECT_EQ(group.poll(), communicator::state::ready);
}

TEST_F(nccl_test, refuses_two_ranks_on_one_gpu_in_clear_words) {
  const auto id = communicator::make_id();
  as_ranks(2, [&](int rank) {
    try {
      communicator group{
          {.id = id, .rank = rank, .size = 2, .where = where, .timeout = 60s}};
      ADD_FAILURE() << "two ranks on one GPU";
    } catch (const gpu::nccl_error& e) {
      EXPECT_EQ(e.code(), nccl_result::invalid_usage) << e.what();
      EXPECT_THAT(e.what(), HasSubstr("two ranks are on this GPU"));
    }
  });
}

TEST_F(nccl_test, names_who_waited_for_a_rank_that_never_came) {
  auto options = alone();
  options.size = 2;
  options.timeout = 2s;
  try {
    communicator group{options};
    ADD_FAILURE() << "it has joined alone";
  } catch (const gpu::nccl_error& e) {
    EXPECT_THAT(e.what(), HasSubstr("rank 0 of 2 on cuda:"));
  }
}

TEST_F(nccl_test, knows_a_gpu_by_its_uuid) {
  EXPECT_THAT(gpu::identity(where), testing::MatchesRegex("GPU-[-0-9a-f]+"));
  EXPECT_EQ(gpu::identity(where), gpu::identity(where));
}

} // namespace
} // namespace troupe::tests
