// The communicator over a simulated NCCL: every call, and what goes wrong.
// Sums are of whole numbers below 2^24, so that they are exact in any order.

#include "gpu/collective/communicator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <tuple>

#include "gpu/block.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/simulated_nccl.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using gpu::communicator;
using gpu::reduction;
using gpu::cuda::nccl_result;
using testing::HasSubstr;

constexpr std::size_t prime = 1009;
constexpr std::size_t large = 65'537;
constexpr float untouched = -12345.0f;

gpu::communicator_options seat(
    const gpu::communicator_id& id, int rank, int size) {
  return {.id = id, .rank = rank, .size = size, .where = {}, .timeout = 20s};
}

/// Element i of what rank r brings, out of `salt`.
float brings(int r, std::size_t i, int salt = 0) {
  return float((std::size_t(r) * 7919 + i * 31 + std::size_t(salt) * 13) % 997);
}

std::vector<float> block_of(int r, std::size_t count, int salt = 0) {
  std::vector<float> x(count);
  for (std::size_t i = 0; i < count; ++i)
    x[i] = brings(r, i, salt);
  return x;
}

std::vector<float> sum_of(int size, std::size_t count) {
  std::vector<float> x(count);
  for (int r = 0; r < size; ++r)
    for (std::size_t i = 0; i < count; ++i)
      x[i] += brings(r, i);
  return x;
}

std::vector<float> cut(
    const std::vector<float>& x, std::size_t first, std::size_t count) {
  return {x.begin() + std::ptrdiff_t(first),
      x.begin() + std::ptrdiff_t(first + count)};
}

/// Over {1, 2, 3, 4, 7} ranks and {0, 1, a prime, many} elements.
struct collective_test : testing::TestWithParam<std::tuple<int, std::size_t>> {
  int size = std::get<0>(GetParam());
  std::size_t count = std::get<1>(GetParam());
  gpu::communicator_id id = communicator::make_id(simulated_nccl::api());

  /// Everybody calls `body(group, stream)` and waits for what it queued.
  template <class Body>
  void perform(Body body) {
    as_ranks(size, [&](int rank) {
      gpu::device_stream on;
      communicator group{seat(id, rank, size), simulated_nccl::api()};
      body(group, on);
    });
    EXPECT_EQ(simulated_nccl::open_ends(), 0u);
  }
};

TEST_P(collective_test, all_reduce_sums_in_place_or_not) {
  perform([&](communicator& group, gpu::device_stream& on) {
    auto in = block_of(group.rank(), count);
    std::vector<float> out(count, untouched);
    group.all_reduce(on, std::span{in}, std::span{out});
    group.all_reduce(on, std::span{in}, std::span{in});
    finish(group, on);
    EXPECT_EQ(out, sum_of(size, count));
    EXPECT_EQ(in, out);
  });
}

TEST_P(collective_test, reduce_leaves_the_sum_at_the_root_alone) {
  const int root = size / 2;
  perform([&](communicator& group, gpu::device_stream& on) {
    auto in = block_of(group.rank(), count);
    std::vector<float> out(count, untouched);
    group.reduce(on, std::span{in}, std::span{out}, root);
    finish(group, on);
    EXPECT_EQ(out, group.rank() == root ? sum_of(size, count)
                                        : std::vector(count, untouched));
  });
}

TEST_P(collective_test, broadcast_hands_out_the_roots) {
  const int root = size - 1;
  perform([&](communicator& group, gpu::device_stream& on) {
    auto data = block_of(group.rank(), count);
    group.broadcast(on, std::span{data}, root);
    finish(group, on);
    EXPECT_EQ(data, block_of(root, count));
  });
}

TEST_P(collective_test, all_gather_joins_in_the_order_of_ranks) {
  std::vector<float> joined;
  for (int r = 0; r < size; ++r)
    for (auto x : block_of(r, count))
      joined.push_back(x);
  perform([&](communicator& group, gpu::device_stream& on) {
    auto in = block_of(group.rank(), count);
    std::vector<float> out(count * std::size_t(size), untouched);
    group.all_gather(on, std::span{in}, std::span{out});
    finish(group, on);
    EXPECT_EQ(out, joined);
  });
}

TEST_P(collective_test, reduce_scatter_gives_each_its_part_of_the_sum) {
  perform([&](communicator& group, gpu::device_stream& on) {
    auto in = block_of(group.rank(), count * std::size_t(size));
    std::vector<float> out(count, untouched);
    group.reduce_scatter(on, std::span{in}, std::span{out});
    finish(group, on);
    EXPECT_EQ(out,
        cut(sum_of(size, in.size()), count * std::size_t(group.rank()), count));
  });
}

TEST_P(collective_test, all_to_all_exchanges_parts) {
  perform([&](communicator& group, gpu::device_stream& on) {
    auto in = block_of(group.rank(), count * std::size_t(size));
    std::vector<float> out(in.size(), untouched);
    group.all_to_all(on, std::span{in}, std::span{out});
    finish(group, on);
    for (int from = 0; from < size; ++from)
      EXPECT_EQ(cut(out, count * std::size_t(from), count),
          cut(block_of(from, in.size()), count * std::size_t(group.rank()),
              count));
  });
}

TEST_P(collective_test, gather_and_scatter_undo_each_other) {
  const int root = size / 2;
  perform([&](communicator& group, gpu::device_stream& on) {
    auto mine = block_of(group.rank(), count);
    const bool is_root = group.rank() == root;
    std::vector<float> all(is_root ? count * std::size_t(size) : 0, untouched);
    group.gather(on, std::span{mine}, std::span{all}, root);
    finish(group, on);
    for (int from = 0; is_root && from < size; ++from)
      EXPECT_EQ(
          cut(all, count * std::size_t(from), count), block_of(from, count));

    std::vector<float> back(count, untouched);
    group.scatter(on, std::span{all}, std::span{back}, root);
    finish(group, on);
    EXPECT_EQ(back, mine);
  });
}

TEST_P(collective_test, send_and_receive_pass_a_block_along) {
  perform([&](communicator& group, gpu::device_stream& on) {
    auto data = group.rank() == 0 ? block_of(0, count)
                                  : std::vector<float>(count, untouched);
    if (group.rank() > 0)
      group.receive(on, std::span{data}, group.rank() - 1);
    finish(group, on);
    EXPECT_EQ(data, block_of(0, count));
    if (group.rank() + 1 < size)
      group.send(on, std::span{data}, group.rank() + 1);
    finish(group, on);
  });
}

TEST_P(collective_test, barrier_waits_for_everybody) {
  std::atomic<int> arrived = 0;
  perform([&](communicator& group, gpu::device_stream& on) {
    ++arrived;
    group.barrier(on);
    finish(group, on);
    EXPECT_EQ(arrived, size);
    group.barrier(on);
    group.finalize();
  });
}

TEST_P(collective_test, finalize_ends_what_is_queued) {
  perform([&](communicator& group, gpu::device_stream& on) {
    auto data = block_of(group.rank(), count);
    group.all_reduce(on, std::span{data}, std::span{data});
    group.finalize();
    EXPECT_EQ(data, sum_of(size, count));
    EXPECT_EQ(group.poll(), communicator::state::closed);
  });
}

INSTANTIATE_TEST_SUITE_P(sizes, collective_test,
    testing::Combine(testing::Values(1, 2, 3, 4, 7),
        testing::Values(std::size_t{0}, std::size_t{1}, prime, large)),
    [](const auto& over) {
      return std::to_string(std::get<0>(over.param)) + "_ranks_" +
             std::to_string(std::get<1>(over.param)) + "_elements";
    });

TEST(communicator_test, reduces_in_every_way_and_type) {
  const auto id = communicator::make_id(simulated_nccl::api());
  as_ranks(3, [&](int rank) {
    gpu::device_stream on;
    communicator group{seat(id, rank, 3), simulated_nccl::api()};
    auto reduced = [&](reduction how) {
      std::vector<std::int64_t> x{rank + 2};
      group.all_reduce(on, std::span{x}, std::span{x}, how);
      finish(group, on);
      return x[0];
    };
    EXPECT_EQ(reduced(reduction::sum), 9);
    EXPECT_EQ(reduced(reduction::product), 24);
    EXPECT_EQ(reduced(reduction::maximum), 4);
    EXPECT_EQ(reduced(reduction::minimum), 2);
    EXPECT_EQ(reduced(reduction::average), 3);

    std::uint16_t one = 0x3f80; // 1 in bf16
    group.all_reduce(
        on, {&one, 1, gpu::element::bf16}, {&one, 1, gpu::element::bf16});
    finish(group, on);
    EXPECT_EQ(one, 0x4040); // 3
  });
}

TEST(communicator_test, names_who_waited_for_a_rank_that_never_came) {
  auto alone = seat(communicator::make_id(simulated_nccl::api()), 1, 2);
  alone.timeout = 50ms;

  try {
    communicator group{alone, simulated_nccl::api()};
    FAIL() << "it has joined alone";
  } catch (const gpu::nccl_error& e) {
    EXPECT_THAT(e.what(), HasSubstr("0.05 s"));
    EXPECT_THAT(e.what(), HasSubstr("rank 1 of 2 on cpu"));
    EXPECT_THAT(e.what(), HasSubstr("communicator_test.cpp:"));
  }
  EXPECT_EQ(simulated_nccl::open_ends(), 0u);
}

TEST(communicator_test, refuses_two_ranks_on_one_gpu_in_clear_words) {
  const auto id = communicator::make_id(simulated_nccl::api());
  as_ranks(2, [&](int rank) {
    auto options = seat(id, rank, 2);
    options.where = {gpu::device_kind::cuda, 0};
    try {
      communicator group{options, simulated_nccl::api()};
      FAIL() << "two ranks on one GPU";
    } catch (const gpu::nccl_error& e) {
      EXPECT_EQ(e.code(), nccl_result::invalid_usage);
      EXPECT_THAT(e.what(), HasSubstr("ncclInvalidUsage"));
      EXPECT_THAT(e.what(), HasSubstr("two ranks are on this GPU"));
    }
  });
  EXPECT_EQ(simulated_nccl::open_ends(), 0u);
}

TEST(communicator_test, waits_until_nccl_is_through_with_the_last_call) {
  const auto id = communicator::make_id(simulated_nccl::api());
  as_ranks(2, [&](int rank) {
    gpu::device_stream on;
    communicator group{seat(id, rank, 2), simulated_nccl::api()};
    simulated_nccl::slow_down(id, rank, 3);
    float x = 1.0f;
    for (int i = 0; i < 4; ++i)
      group.all_reduce(on, std::span{&x, 1}, std::span{&x, 1});
    EXPECT_EQ(group.poll(), communicator::state::in_progress);
    finish(group, on);
    EXPECT_EQ(x, 16.0f);
  });
}

// One half of a group would leave both sides waiting for the other.
TEST(communicator_test, asks_for_all_of_a_group_though_nccl_takes_its_time) {
  constexpr int size = 3;
  const auto id = communicator::make_id(simulated_nccl::api());
  as_ranks(size, [&](int rank) {
    gpu::device_stream on;
    auto options = seat(id, rank, size);
    communicator group{options, simulated_nccl::api()};
    simulated_nccl::slow_down(id, rank, 3);
    const auto in = block_of(rank, size);
    std::vector<float> out(size, untouched), all(size * size, untouched);
    std::vector<float> one(1, untouched);

    group.all_to_all(on, std::span{in}, std::span{out});
    group.gather(on, std::span{in}, std::span{all}, 1);
    group.scatter(on, std::span{in}, std::span{one}, 2);
    group.wait_ready();
    std::promise<void> done;
    group.notify(on, [&] { done.set_value(); });

    const auto ended = done.get_future().wait_for(10s);
    EXPECT_EQ(ended, std::future_status::ready) << "half a group";
    if (ended != std::future_status::ready)
      return group.abort();
    EXPECT_EQ(out[2], brings(2, std::size_t(rank)));
    EXPECT_EQ(one[0], brings(2, std::size_t(rank)));
    if (rank == 1)
      EXPECT_EQ(all[8], brings(2, 2));
  });
}

// Both headers in one file: what a data-parallel trainer does.
TEST(communicator_test, adds_what_a_devices_block_holds) {
  const auto id = communicator::make_id(simulated_nccl::api());
  gpu::device_stream on;
  communicator group{seat(id, 0, 1), simulated_nccl::api()};
  gpu::block<float> gradient{3, on};
  std::ranges::fill(gradient.span(), 2.0f);
  const gpu::typed_span whole = gradient.span();

  group.all_reduce(on, whole, whole);
  finish(group, on);

  EXPECT_EQ(gradient.span()[2], 2.0f);
}

TEST(communicator_test, reports_an_error_from_the_background_with_its_text) {
  const auto id = communicator::make_id(simulated_nccl::api());
  gpu::device_stream on;
  communicator group{seat(id, 0, 1), simulated_nccl::api()};

  simulated_nccl::break_down(
      id, 0, nccl_result::remote_error, "connection closed by 10.0.0.7");

  EXPECT_EQ(group.poll(), communicator::state::failed);
  EXPECT_THAT(group.why(), HasSubstr("ncclRemoteError"));
  EXPECT_THAT(group.why(), HasSubstr("connection closed by 10.0.0.7"));
  float x = 0;
  EXPECT_THROW(group.broadcast(on, std::span{&x, 1}, 0), gpu::nccl_error);
  group.abort();
  EXPECT_EQ(group.poll(), communicator::state::closed);
  EXPECT_THROW(group.barrier(on), std::logic_error);
}

TEST(communicator_test, abort_ends_what_waits_for_a_peer) {
  const auto id = communicator::make_id(simulated_nccl::api());
  auto here = communicator::start(seat(id, 0, 2), simulated_nccl::api());
  auto there = communicator::start(seat(id, 1, 2), simulated_nccl::api());
  gpu::device_stream on;
  simulated_nccl::silence(id, 1);
  float x = 1.0f;
  here.all_reduce(on, std::span{&x, 1}, std::span{&x, 1});
  there.all_reduce(on, std::span{&x, 1}, std::span{&x, 1});
  bool done = false;
  here.notify(on, [&] { done = true; });
  ASSERT_FALSE(done);

  here.abort();

  EXPECT_TRUE(done);
  EXPECT_EQ(simulated_nccl::operations(id), 0u);
}

TEST(communicator_test, finalize_gives_up_on_a_silent_peer) {
  const auto id = communicator::make_id(simulated_nccl::api());
  auto options = seat(id, 0, 2);
  options.timeout = 50ms;
  auto here = communicator::start(options, simulated_nccl::api());
  auto there = communicator::start(seat(id, 1, 2), simulated_nccl::api());
  gpu::device_stream on;
  here.barrier(on);

  EXPECT_THROW(here.finalize(), gpu::nccl_error);
  EXPECT_EQ(here.poll(), communicator::state::closed);
}

TEST(communicator_test, checks_counts_types_and_ranks_before_it_calls) {
  const auto id = communicator::make_id(simulated_nccl::api());
  communicator group{seat(id, 0, 1), simulated_nccl::api()};
  gpu::device_stream on;
  std::vector<float> two(2), three(3);
  std::vector<std::int64_t> whole(2);
  const std::span a{two}, b{three};

  EXPECT_THROW(group.all_reduce(on, a, b), std::invalid_argument);
  EXPECT_THROW(
      group.all_reduce(on, a, std::span{whole}), std::invalid_argument);
  EXPECT_THROW(group.all_gather(on, a, b), std::invalid_argument);
  EXPECT_THROW(group.reduce_scatter(on, a, b), std::invalid_argument);
  EXPECT_THROW(group.all_to_all(on, a, b), std::invalid_argument);
  EXPECT_THROW(group.gather(on, a, b, 0), std::invalid_argument);
  EXPECT_THROW(group.scatter(on, a, b, 0), std::invalid_argument);
  EXPECT_THROW(group.broadcast(on, a, 1), std::invalid_argument);
  EXPECT_THROW(group.send(on, a, -1), std::invalid_argument);
  EXPECT_EQ(group.poll(), communicator::state::ready);
  EXPECT_THROW((communicator{seat(id, 2, 2), simulated_nccl::api()}),
      std::invalid_argument);
}

// What the issuing actor is for: this is the mistake that it makes impossible.
TEST(communicator_test, hangs_when_ranks_ask_in_different_orders) {
  const auto id = communicator::make_id(simulated_nccl::api());
  auto here = communicator::start(seat(id, 0, 2), simulated_nccl::api());
  auto there = communicator::start(seat(id, 1, 2), simulated_nccl::api());
  gpu::device_stream on;
  std::vector<float> a(3), b(5);

  here.all_reduce(on, std::span{a}, std::span{a});
  here.all_reduce(on, std::span{b}, std::span{b});
  there.all_reduce(on, std::span{b}, std::span{b});
  there.all_reduce(on, std::span{a}, std::span{a});

  EXPECT_EQ(here.poll(), communicator::state::ready);
  EXPECT_EQ(simulated_nccl::operations(id), 0u);
}

TEST(communicator_test, says_what_a_machine_without_nccl_lacks) {
  const auto why = gpu::cuda::nccl_absence();
  if (why.empty())
    GTEST_SKIP() << "NCCL is here";
  EXPECT_THAT(why, testing::AnyOf(HasSubstr("this build has no NCCL"),
                       HasSubstr("libnccl.so.2")));
}

} // namespace
} // namespace troupe::tests
