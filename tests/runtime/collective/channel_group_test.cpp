#include "runtime/collective/channel_group.hpp"

#include "runtime/collective/trial.hpp"
#include "tests/protocols/collective/every_task.hpp"
#include "tests/runtime/collective/some_ranks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <mutex>
#include <random>

namespace troupe::collective {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::HasSubstr;
using tests::on_ranks;

class group_test : public testing::TestWithParam<tests::joined_by> {};

INSTANTIATE_TEST_SUITE_P(over, group_test, testing::ValuesIn(tests::all_wires),
    [](const auto& x) { return std::string{to_string(x.param)}; });

TEST_P(group_test, does_every_operation_by_every_algorithm) {
  for (std::uint32_t ranks : {1u, 2u, 3u, 4u, 7u}) {
    const auto said = on_ranks(GetParam(), ranks, [&](group& on) {
      std::uint64_t salt = 0;
      for (std::size_t count : {0u, 1u, 127u, 20'011u})
        for (const auto& each : tests::every_task(ranks, count)) {
          if (each.pieces > 1 || (count == 20'011 && each.root > 0))
            continue; // the group cuts pieces by size
          for (bool in_place : {false, true})
            if (const auto wrong = tried(on, each, in_place, ++salt);
                !wrong.empty())
              throw std::runtime_error{tests::name_of(each) + ": " + wrong};
        }
    });

    EXPECT_THAT(said, Each("")) << ranks << " ranks";
  }
}

// Beyond every ring, window and piece.
TEST_P(group_test, moves_blocks_that_no_buffer_holds) {
  constexpr std::size_t count = 1'300'003;
  const auto said = on_ranks(GetParam(), 3, [&](group& on) {
    for (std::uint8_t h = 0; h < algorithms; ++h) {
      const task x{operation_kind::all_reduce, static_cast<algorithm>(h), 3,
          count, 0, 1};
      if (const auto wrong = tried(on, x, true, h); !wrong.empty())
        throw std::runtime_error{std::string{to_string(x.how)} + wrong};
    }
  });

  EXPECT_THAT(said, Each(""));
}

TEST_P(group_test, reduces_in_every_way_and_type) {
  const auto said = on_ranks(GetParam(), 3, [&](group& on) {
    const auto mine = static_cast<std::int64_t>(on.rank()) + 2;
    const auto by = [&](gpu::reduction how) {
      std::vector<std::int64_t> x{mine, -mine, 7};
      on.all_reduce(std::span<const std::int64_t>{x}, std::span{x}, how);
      return x;
    };
    using list = std::vector<std::int64_t>;
    if (by(gpu::reduction::sum) != list{9, -9, 21} ||
        by(gpu::reduction::product) != list{24, -24, 343} ||
        by(gpu::reduction::maximum) != list{4, -2, 7} ||
        by(gpu::reduction::minimum) != list{2, -4, 7} ||
        by(gpu::reduction::average) != list{3, -3, 7})
      throw std::runtime_error{"integers"};
    std::vector<std::uint16_t> ones(5, 0x3f80); // of bf16
    on.all_reduce({ones.data(), 5, gpu::element::bf16},
        {ones.data(), 5, gpu::element::bf16});
    if (ones != std::vector<std::uint16_t>(5, 0x4040)) // 3
      throw std::runtime_error{"bf16"};
  });

  EXPECT_THAT(said, Each(""));
}

TEST_P(group_test, sends_from_one_rank_to_another) {
  const auto said = on_ranks(GetParam(), 3, [&](group& on) {
    std::vector<float> x(100'000, static_cast<float>(on.rank()));
    if (on.rank() == 2)
      on.send(std::span<const float>{x}, 0);
    if (on.rank() == 0)
      on.receive(std::span{x}, 2);
    on.barrier();
    if (on.rank() == 0 && x != std::vector<float>(100'000, 2.0f))
      throw std::runtime_error{"another value came"};
  });

  EXPECT_THAT(said, Each(""));
}

// Blocks of the group are added where they lie.
TEST_P(group_test, gives_blocks_that_are_seen_by_all) {
  const auto said = on_ranks(GetParam(), 4, [&](group& on) {
    constexpr std::size_t count = 30'011;
    const auto bytes = on.allocate((count + 16) * sizeof(float));
    auto* x = reinterpret_cast<float*>(bytes.data()) + 16;
    for (int turn = 0; turn < 3; ++turn) {
      for (std::size_t i = 0; i < count; ++i)
        x[i] = static_cast<float>((i + on.rank()) % 9);
      on.all_reduce(std::span<const float>{x, count}, std::span{x, count});
      for (std::size_t i = 0; i < count; ++i)
        if (const auto want = static_cast<float>(
                i % 9 + (i + 1) % 9 + (i + 2) % 9 + (i + 3) % 9);
            x[i] != want)
          throw std::runtime_error{"another sum"};
    }
  });

  EXPECT_THAT(said, Each(""));
}

TEST_P(group_test, canonical_sums_have_the_same_bits_on_all_ranks_and_ways) {
  constexpr std::uint32_t leaves = 8;
  constexpr std::size_t count = 5'003;
  std::mt19937 draw{5};
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> leaf(leaves, std::vector<float>(count));
  for (auto& one : leaf)
    for (auto& x : one)
      x = normal(draw) * std::exp(2.0f * normal(draw));
  const std::function<std::vector<float>(node)> tree = [&](node x) {
    if (x.end - x.begin == 1)
      return leaf[x.begin];
    auto left = tree({x.begin, cut_of(x)});
    const auto right = tree({cut_of(x), x.end});
    for (std::size_t i = 0; i < count; ++i)
      left[i] += right[i];
    return left;
  };
  const auto want = tree({0, leaves});
  for (std::uint32_t ranks : {1u, 2u, 3u, 4u, 7u})
    for (bool mixed : {false, true}) {
      auto holders = side_by_side(leaves, ranks);
      if (mixed)
        for (auto& each : holders)
          each = static_cast<std::uint32_t>(draw() % ranks);
      const auto said = on_ranks(GetParam(), ranks, [&](group& on) {
        std::map<node, std::vector<float>> own;
        group::canonical_terms terms;
        for (const auto& each : partials_of(holders, on.rank())) {
          own[each] = tree(each);
          terms[each] = std::span<const float>{own[each]};
        }
        for (auto by : {algorithm::direct, algorithm::ring,
                 algorithm::halving_doubling, algorithm::bcube}) {
          std::vector<float> sum(count);
          on.canonical_all_reduce(terms, holders, std::span{sum}, by);
          if (std::memcmp(sum.data(), want.data(), count * 4) != 0)
            throw std::runtime_error{to_string(by)};
        }
      });

      EXPECT_THAT(said, Each("")) << ranks << (mixed ? " mixed" : "");
    }
}

TEST_P(group_test, names_who_asks_for_something_else) {
  const auto said = on_ranks(GetParam(), 3, [&](group& on) {
    std::vector<float> x(5'000);
    on.barrier();
    const std::size_t count = on.rank() == 1 ? 4'999 : 5'000;
    on.all_reduce(std::span<const float>{x.data(), count},
        std::span{x.data(), count}, gpu::reduction::sum, algorithm::ring);
  });

  for (const auto& each : said) {
    EXPECT_THAT(each, HasSubstr("all_reduce (sum) of 4999 f32"));
    EXPECT_THAT(each, HasSubstr("all_reduce (sum) of 5000 f32"));
    EXPECT_THAT(each, HasSubstr("rank 1"));
  }
}

TEST_P(group_test, names_who_asked_for_something_else_before) {
  const auto said = on_ranks(GetParam(), 2, [&](group& on) {
    std::vector<float> x(3);
    // Nothing is moved, so nobody can tell yet.
    on.broadcast(
        {x.data(), 0, on.rank() == 1 ? gpu::element::i64 : gpu::element::f32},
        {x.data(), 0, on.rank() == 1 ? gpu::element::i64 : gpu::element::f32},
        0);
    on.all_reduce(std::span<const float>{x}, std::span{x});
  });

  for (const auto& each : said)
    EXPECT_THAT(each, HasSubstr("but not on what was asked for before it"));
}

TEST_P(group_test, names_who_left_and_goes_on_failing) {
  const auto said = on_ranks(GetParam(), 3, [&](group& on) {
    on.barrier();
    if (on.rank() == 2)
      return;
    std::vector<float> x(7);
    try {
      on.all_reduce(std::span<const float>{x}, std::span{x});
    } catch (const group_error& error) {
      if (error.rank() != 2 || error.number() != 1)
        throw std::runtime_error{"another one is blamed"};
    }
    on.barrier();
  });

  EXPECT_THAT(said[0], HasSubstr("rank 2 is lost to rank 0: it has left; in "
                                 "all_reduce (sum) of 7 f32"));
  EXPECT_THAT(said[1], HasSubstr("rank 2 is lost to rank 1"));
}

TEST_P(group_test, waits_for_nobody_for_ever) {
  const auto said = on_ranks(
      GetParam(), 2,
      [&](group& on) {
        if (on.rank() == 1) {
          std::this_thread::sleep_for(1500ms);
          return;
        }
        on.barrier();
      },
      300ms);

  EXPECT_THAT(said[0], HasSubstr("rank 1 is lost to rank 0: it has been silent "
                                 "for 300 ms; in barrier"));
}

TEST_P(group_test, refuses_what_does_not_fit) {
  const auto said = on_ranks(GetParam(), 2, [&](group& on) {
    std::vector<float> x(3);
    const auto refused = [&](auto&& call) {
      try {
        call();
      } catch (const std::invalid_argument&) {
        return;
      }
      throw std::runtime_error{"it was done"};
    };
    refused([&] {
      on.all_reduce(std::span<const float>{x}, std::span{x}.first(2));
    });
    refused(
        [&] { on.reduce_scatter(std::span<const float>{x}, std::span{x}); });
    refused([&] { on.broadcast({}, std::span{x}, 2); });
    refused([&] { on.barrier(algorithm::ring); });
    refused([&] { on.send(std::span<const float>{x}, on.rank()); });
  });

  EXPECT_THAT(said, Each(""));
}

} // namespace
} // namespace troupe::collective
