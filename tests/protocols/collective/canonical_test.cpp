#include "protocols/collective/canonical.hpp"

#include "protocols/collective/interpreter.hpp"
#include "protocols/collective/proof.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <random>

namespace troupe::collective {
namespace {

using floats = std::vector<float>;

constexpr std::size_t count = 257;
constexpr auto add = [](float a, float b) { return a + b; };

floats plus(floats a, const floats& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    a[i] += b[i];
  return a;
}

// Values of many magnitudes, so that every other order shows.
std::vector<floats> leaves_of(std::uint32_t number) {
  std::mt19937 draw{number};
  std::normal_distribution<float> normal;
  std::vector<floats> result(number, floats(count));
  for (auto& leaf : result)
    for (auto& x : leaf)
      x = normal(draw) * std::exp(2.0f * normal(draw));
  return result;
}

// Written without `cut_of`: the oracle.
floats tree(const std::vector<floats>& leaves, std::size_t a, std::size_t b) {
  if (b - a == 1)
    return leaves[a];
  std::size_t half = 1;
  while (2 * half < b - a)
    half *= 2;
  return plus(tree(leaves, a, a + half), tree(leaves, a + half, b));
}

bool same(const floats& a, const floats& b) {
  return std::memcmp(a.data(), b.data(), count * sizeof(float)) == 0;
}

std::size_t differing(const floats& a, const floats& b) {
  std::size_t result = 0;
  for (std::size_t i = 0; i < count; ++i)
    result += std::memcmp(&a[i], &b[i], sizeof(float)) != 0;
  return result;
}

std::vector<memory<float>> holding(const std::vector<floats>& leaves,
    std::span<const std::uint32_t> holders, std::uint32_t ranks) {
  std::vector<memory<float>> result(ranks);
  for (std::uint32_t r = 0; r < ranks; ++r) {
    result[r].block.resize(count);
    for (const auto& each : partials_of(holders, r))
      result[r].beside[each] = tree(leaves, each.begin, each.end);
  }
  return result;
}

std::vector<std::uint32_t> at_random(
    std::uint32_t leaves, std::uint32_t ranks, std::mt19937& draw) {
  std::vector<std::uint32_t> result;
  for (std::uint32_t v = 0; v < leaves; ++v)
    result.push_back(draw() % ranks);
  return result;
}

TEST(canonical_test, gives_the_same_bits_over_ranks_placements_and_algorithms) {
  std::mt19937 draw{7};
  std::size_t tried = 0;
  for (std::uint32_t number : {4u, 7u, 8u, 12u, 16u, 24u, 32u}) {
    const auto leaves = leaves_of(number);
    const auto want = tree(leaves, 0, number);
    for (std::uint32_t ranks = 1; ranks <= 8; ++ranks)
      for (const auto& holders : {side_by_side(number, ranks),
               at_random(number, ranks, draw), at_random(number, ranks, draw)})
        for (auto how : {algorithm::direct, algorithm::ring,
                 algorithm::halving_doubling, algorithm::bcube}) {
          auto on = holding(leaves, holders, ranks);
          const auto plan = canonical_schedule(
              {operation_kind::all_reduce, how, ranks, count, 0, 1 + ranks % 3},
              holders);

          ASSERT_EQ((interpreter{plan, on, add}.run()), "");

          for (const auto& each : on)
            ASSERT_TRUE(same(each.block, want))
                << number << " leaves, " << ranks << " ranks, "
                << to_string(how);
          ++tried;
        }
  }
  EXPECT_EQ(tried, 7u * 8 * 3 * 4);
}

TEST(canonical_test, gives_each_rank_its_part_of_the_same_bits) {
  std::mt19937 draw{11};
  const auto leaves = leaves_of(8);
  const auto want = tree(leaves, 0, 8);
  for (std::uint32_t ranks = 1; ranks <= 8; ++ranks)
    for (const auto& holders :
        {side_by_side(8, ranks), at_random(8, ranks, draw)}) {
      std::vector<range> parts;
      for (std::uint32_t r = 0; r < ranks; ++r) {
        const auto begin = parts.empty() ? 0 : parts.back().end;
        const auto end =
            r + 1 == ranks ? count : begin + draw() % (count - begin) * (r % 2);
        parts.push_back({begin, end});
      }
      auto on = holding(leaves, holders, ranks);
      const auto plan =
          canonical_schedule({operation_kind::reduce_scatter, algorithm::direct,
                                 ranks, count, 0, 1 + ranks % 3},
              holders, parts);

      ASSERT_EQ((interpreter{plan, on, add}.run()), "");

      for (std::uint32_t r = 0; r < ranks; ++r)
        ASSERT_EQ(
            std::memcmp(on[r].block.data() + parts[r].begin,
                want.data() + parts[r].begin, parts[r].size() * sizeof(float)),
            0);
    }
}

TEST(canonical_test, counts_every_leaf_once) {
  std::mt19937 draw{3};
  for (std::uint32_t ranks = 1; ranks <= 9; ++ranks)
    for (auto kind :
        {operation_kind::all_reduce, operation_kind::reduce_scatter}) {
      const task what{kind, algorithm::direct, ranks, 11, 0, 1};
      const auto holders = at_random(12, ranks, draw);

      EXPECT_EQ(
          fault_of_canonical(canonical_schedule(what, holders), what, holders),
          "");
    }
}

// Where each rank has one partial sum, plain schedules do it with plain bytes.
TEST(canonical_test, plain_schedules_add_along_the_tree_where_they_say_so) {
  std::size_t canonical = 0;
  for (std::uint32_t ranks = 1; ranks <= 17; ++ranks)
    for (std::uint8_t h = 0; h < algorithms; ++h) {
      const task what{operation_kind::all_reduce, static_cast<algorithm>(h),
          ranks, count, 0, 1};
      const auto leaves = leaves_of(ranks);
      std::vector<memory<float>> on(ranks);
      for (std::uint32_t r = 0; r < ranks; ++r)
        on[r].block = leaves[r];

      ASSERT_EQ((interpreter{schedule_of(what), on, add}.run()), "");

      const auto want = tree(leaves, 0, ranks);
      bool all = true;
      for (const auto& each : on)
        all &= same(each.block, want);
      EXPECT_EQ(all, adds_along_tree(what))
          << to_string(what.how) << " of " << ranks;
      canonical += all;
    }
  EXPECT_GT(canonical, 50u);
}

// The broken twins: what a rank has first, left to right, and a ring's order.
TEST(canonical_test, other_orders_give_other_bits) {
  const std::uint32_t number = 16;
  const auto leaves = leaves_of(number);
  const auto want = tree(leaves, 0, number);
  for (std::uint32_t ranks : {3u, 4u, 7u}) {
    const auto holders = side_by_side(number, ranks);
    std::vector<memory<float>> on(ranks);
    for (std::uint32_t v = 0; v < number; ++v) {
      auto& block = on[holders[v]].block;
      block = block.empty() ? leaves[v] : plus(block, leaves[v]);
    }
    auto naive = on[0].block;
    for (std::uint32_t r = 1; r < ranks; ++r)
      naive = plus(naive, on[r].block);
    const auto ring = schedule_of(
        {operation_kind::all_reduce, algorithm::ring, ranks, count, 0, 1});
    ASSERT_EQ((interpreter{ring, on, add}.run()), "");

    EXPECT_GT(differing(naive, want), count / 10);
    EXPECT_GT(differing(on[0].block, want), count / 10);
  }
}

TEST(canonical_test, knows_what_it_costs) {
  EXPECT_EQ(bytes_factor(side_by_side(8, 4), 4), 1.0);
  EXPECT_EQ(bytes_factor(side_by_side(8, 1), 1), 1.0);
  EXPECT_NEAR(bytes_factor(side_by_side(8, 3), 3), 5.0 / 3.0, 1e-12);
  EXPECT_EQ(bytes_factor(std::vector<std::uint32_t>{0, 1, 0, 1}, 2), 2.0);
}

TEST(canonical_test, finds_the_largest_subtrees) {
  const std::vector<std::uint32_t> holders{0, 0, 0, 1, 0, 0};

  EXPECT_EQ(
      partials_of(holders, 0), (std::vector<node>{{0, 2}, {2, 3}, {4, 6}}));
  EXPECT_EQ(partials_of(holders, 1), (std::vector<node>{{3, 4}}));
}

TEST(canonical_test, refuses_what_cannot_be_summed_so) {
  const task gather{operation_kind::gather, algorithm::direct, 2, 1, 0, 1};
  const task sum{operation_kind::all_reduce, algorithm::direct, 2, 1, 0, 1};
  const std::vector<std::uint32_t> stranger{0, 2};

  EXPECT_THROW(
      canonical_schedule(gather, side_by_side(4, 2)), std::invalid_argument);
  EXPECT_THROW(canonical_schedule(sum, stranger), std::invalid_argument);
  EXPECT_THROW(canonical_schedule(sum, {}), std::invalid_argument);
}

} // namespace
} // namespace troupe::collective
