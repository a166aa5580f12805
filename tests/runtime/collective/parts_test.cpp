// Blocks that are cut anywhere, sums along a tree of which each rank gets its
// part, and exchanges.
#include "runtime/collective/channel_group.hpp"

#include "tests/runtime/collective/some_ranks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

namespace troupe::collective {
namespace {

using floats = std::vector<float>;
using parts_list = std::vector<gpu::range>;
using testing::Each;
using testing::HasSubstr;
using tests::on_ranks;

class parts_test : public testing::TestWithParam<tests::joined_by> {};

INSTANTIATE_TEST_SUITE_P(over, parts_test, testing::ValuesIn(tests::all_wires),
    [](const auto& x) { return std::string{to_string(x.param)}; });

/// A part for each rank: of much the same size, all for one, or by chance, with
/// empty ones between.
enum class cut { evenly, for_one, by_chance };

parts_list parts_of(std::size_t count, std::uint32_t ranks, cut how) {
  std::mt19937 draw{static_cast<unsigned>(count) + ranks};
  parts_list result;
  std::size_t first = 0;
  for (std::uint32_t r = 0; r < ranks; ++r) {
    const auto left = count - first;
    auto size = gpu::range_of(r, ranks, count).size;
    if (how == cut::for_one)
      size = r == ranks / 2 ? left : 0;
    if (how == cut::by_chance)
      size = r + 1 == ranks ? left : r % 3 == 1 ? 0 : draw() % (left + 1);
    result.push_back({first, size});
    first += size;
  }
  return result;
}

// Small enough for exact sums.
float value(std::size_t rank, std::size_t i, std::size_t salt) {
  return static_cast<float>((i * 7 + rank * 13 + salt * 5) % 64);
}

void require(bool right, const std::string& what) {
  if (!right)
    throw std::runtime_error{what};
}

// Whether each place of a part has the sum over the ranks.
bool summed(std::span<const float> part, std::size_t first, std::uint32_t ranks,
    std::size_t salt) {
  for (std::size_t i = 0; i < part.size(); ++i) {
    float want = 0.0f;
    for (std::uint32_t r = 0; r < ranks; ++r)
      want += value(r, first + i, salt);
    if (part[i] != want)
      return false;
  }
  return true;
}

void scatter_sum(group& on, const parts_list& parts, floats block, algorithm by,
    bool in_place, std::size_t salt) {
  const auto own = parts[on.rank()];
  floats apart(own.size, -1.0f);
  const auto to = in_place ? own.of(std::span{block}) : std::span{apart};

  on.reduce_scatter(
      std::span<const float>{block}, parts, to, gpu::reduction::sum, by);

  require(summed(to, own.first, on.ranks(), salt),
      std::string{"reduce_scatter by "} + to_string(by));
}

void gather_all(group& on, const parts_list& parts, const floats& block,
    algorithm by, bool in_place, std::size_t salt) {
  const auto own = parts[on.rank()];
  const auto mine = own.of(std::span{block});
  floats all(block.size(), -1.0f);
  if (in_place)
    std::copy(mine.begin(), mine.end(), own.of(std::span{all}).begin());
  const std::span<const float> from =
      in_place ? own.of(std::span<const float>{all}) : mine;

  on.all_gather(from, parts, std::span{all}, by);

  bool right = true;
  for (std::uint32_t r = 0; r < on.ranks(); ++r)
    for (auto i = parts[r].first; i < parts[r].first + parts[r].size; ++i)
      right = right && all[i] == value(r, i, salt);
  require(right, std::string{"all_gather by "} + to_string(by));
}

TEST_P(parts_test, sums_and_gathers_parts_of_any_sizes) {
  for (std::uint32_t ranks : {1u, 2u, 3u, 4u, 7u}) {
    const auto said = on_ranks(GetParam(), ranks, [&](group& on) {
      std::size_t salt = 0;
      for (std::size_t count : {0u, 1u, 127u, 20'011u, 400'009u})
        for (auto how : {cut::evenly, cut::for_one, cut::by_chance}) {
          if (count > 100'000 && how != cut::by_chance)
            continue;
          for (auto by :
              {algorithm::direct, algorithm::ring, algorithm::chunked_ring,
                  algorithm::halving_doubling, algorithm::bcube})
            for (bool in_place : {false, true}) {
              const auto parts = parts_of(count, ranks, how);
              floats block(count);
              ++salt;
              for (std::size_t i = 0; i < count; ++i)
                block[i] = value(on.rank(), i, salt);
              scatter_sum(on, parts, block, by, in_place, salt);
              gather_all(on, parts, block, by, in_place, salt);
            }
        }
    });

    EXPECT_THAT(said, Each("")) << ranks << " ranks";
  }
}

// What the test above would not see past.
TEST(parts_twin_test, is_found_out_by_one_value) {
  floats part(5);
  for (std::size_t i = 0; i < part.size(); ++i)
    part[i] = value(0, 3 + i, 9) + value(1, 3 + i, 9);

  EXPECT_TRUE(summed(part, 3, 2, 9));
  EXPECT_FALSE(summed(part, 4, 2, 9));
  part[4] += 1.0f;
  EXPECT_FALSE(summed(part, 3, 2, 9));
}

TEST_P(parts_test, take_average_and_refuse_what_does_not_fit) {
  const auto said = on_ranks(GetParam(), 2, [&](group& on) {
    const auto refused = [](auto&& act) {
      try {
        act();
      } catch (const std::invalid_argument&) {
        return true;
      }
      return false;
    };
    const floats block(5, on.rank() == 0 ? 1.0f : 4.0f);
    const std::span<const float> from{block};
    floats own(on.rank() == 0 ? 1 : 4);
    const parts_list good{{0, 1}, {1, 4}};
    for (const auto& bad : {parts_list{{0, 5}}, parts_list{{0, 1}, {2, 3}},
             parts_list{{1, 1}, {2, 4}}, parts_list{{0, 2}, {2, 3}}}) {
      require(refused([&] { on.reduce_scatter(from, bad, std::span{own}); }),
          "parts that do not fit were taken");
      require(refused([&] { on.all_gather(from, bad, std::span{own}); }),
          "parts that do not fit were taken");
    }

    on.reduce_scatter(from, good, std::span{own}, gpu::reduction::average);

    require(own == floats(own.size(), 2.5f), "another average");
  });

  EXPECT_THAT(said, Each(""));
}

TEST_P(parts_test, name_who_cuts_elsewhere) {
  const auto said = on_ranks(GetParam(), 3, [&](group& on) {
    floats block(9);
    const parts_list most{{0, 3}, {3, 3}, {6, 3}};
    const parts_list other{{0, 3}, {3, 4}, {7, 2}};
    floats own(on.rank() == 1 ? 4 : 3);
    on.reduce_scatter(std::span<const float>{block},
        on.rank() == 1 ? other : most, std::span{own});
  });

  EXPECT_THAT(said, testing::Contains(HasSubstr(
                        "agree on reduce_scatter (sum) of 9 f32 by "
                        "direct, operation 0, but not on its parts")));
  EXPECT_THAT(said, Each(HasSubstr("rank 1")));
}

class canonical_parts {
public:
  canonical_parts(std::uint32_t leaves, std::size_t count) {
    std::mt19937 draw{leaves};
    std::normal_distribution<float> normal;
    leaf_.assign(leaves, floats(count));
    for (auto& one : leaf_)
      for (auto& x : one)
        x = normal(draw) * std::exp(2.0f * normal(draw));
  }

  std::uint32_t leaves() const {
    return static_cast<std::uint32_t>(leaf_.size());
  }
  floats tree(node x) const {
    if (x.end - x.begin == 1)
      return leaf_[x.begin];
    auto left = tree({x.begin, cut_of(x)});
    const auto right = tree({cut_of(x), x.end});
    for (std::size_t i = 0; i < left.size(); ++i)
      left[i] += right[i];
    return left;
  }

private:
  std::vector<floats> leaf_;
};

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

TEST_P(parts_test, canonical_parts_have_the_bits_of_the_whole_sum) {
  std::mt19937 draw{5};
  for (std::size_t count : {0u, 1u, 127u, 20'011u}) {
    const canonical_parts terms{8, count};
    const auto want = terms.tree({0, 8});
    for (std::uint32_t ranks : {1u, 2u, 3u, 4u, 7u})
      for (bool mixed : {false, true}) {
        auto holders = side_by_side(8, ranks);
        if (mixed)
          for (auto& each : holders)
            each = static_cast<std::uint32_t>(draw() % ranks);
        const auto said = on_ranks(GetParam(), ranks, [&](group& on) {
          std::map<node, floats> own;
          group::canonical_terms partials;
          for (const auto& each : partials_of(holders, on.rank())) {
            own[each] = terms.tree(each);
            partials[each] = std::span<const float>{own[each]};
          }
          floats whole(count);
          on.canonical_all_reduce(partials, holders, std::span{whole});
          require(same_bits(whole, want), "another sum");
          for (auto how : {cut::evenly, cut::for_one, cut::by_chance}) {
            const auto parts = parts_of(count, ranks, how);
            const auto mine = parts[on.rank()];
            floats part(mine.size);
            on.canonical_reduce_scatter(
                partials, holders, parts, std::span{part});
            require(same_bits(part, mine.of(std::span{whole})), "other bits");
          }
        });

        EXPECT_THAT(said, Each("")) << ranks << (mixed ? " mixed" : "");
      }
  }
}

// The twin: rings add in the order of their turns.
TEST_P(parts_test, a_ring_has_other_bits) {
  const canonical_parts terms{4, 1'003};
  const auto want = terms.tree({0, 4});
  const auto said = on_ranks(GetParam(), 4, [&](group& on) {
    const auto mine = terms.tree({on.rank(), on.rank() + 1});
    const auto parts = parts_of(1'003, 4, cut::evenly);
    const auto own = parts[on.rank()];
    floats part(own.size);
    on.reduce_scatter(std::span<const float>{mine}, parts, std::span{part},
        gpu::reduction::sum, algorithm::ring);
    if (on.rank() == 0)
      require(!same_bits(part, own.of(std::span{want})), "the same bits");
  });

  EXPECT_THAT(said, Each(""));
}

TEST_P(parts_test, exchanges_at_once_whatever_the_size) {
  for (std::uint32_t ranks : {1u, 2u, 3u, 4u, 7u}) {
    const auto said = on_ranks(GetParam(), ranks, [&](group& on) {
      for (std::size_t count : {0u, 1u, 127u, 1'300'003u})
        for (std::uint32_t apart = 0; apart < ranks; ++apart) {
          const auto to = (on.rank() + apart) % ranks;
          const auto of = (on.rank() + ranks - apart) % ranks;
          const floats from(count, static_cast<float>(on.rank()));
          floats into(count, -1.0f);

          on.exchange(std::span<const float>{from}, to, std::span{into}, of);

          require(into == floats(count, static_cast<float>(of)),
              "another value came");
        }
    });

    EXPECT_THAT(said, Each("")) << ranks << " ranks";
  }
}

TEST_P(parts_test, an_exchange_meets_a_send_and_a_receive) {
  const auto said = on_ranks(GetParam(), 2, [&](group& on) {
    const floats from(1'000, static_cast<float>(on.rank()));
    floats into(500 + 500 * on.rank());
    if (on.rank() == 0) {
      on.exchange(std::span<const float>{from}, 1, std::span{into}, 1);
    } else {
      on.receive(std::span{into}, 0);
      on.send(std::span<const float>{from}.first(500), 0);
    }
    require(into.back() == (on.rank() == 0 ? 1.0f : 0.0f), "another value");
  });

  EXPECT_THAT(said, Each(""));
}

TEST_P(parts_test, an_exchange_names_who_sends_another_size) {
  const auto said = on_ranks(GetParam(), 2, [&](group& on) {
    const floats from(10 + on.rank());
    floats into(10);
    on.exchange(std::span<const float>{from}, 1 - on.rank(), std::span{into},
        1 - on.rank());
  });

  EXPECT_THAT(said[0],
      HasSubstr("rank 1 asks for transfer of 11 f32 from rank 1 to rank 0, "
                "rank 0 for transfer of 10 f32"));
}

// Of a rank that sends S bytes to everyone's sum, on each wire: what a ring has
// to move, and what a tree of whole blocks moves beyond it.
TEST_P(parts_test, counts_the_bytes_that_schedules_have) {
  for (std::uint32_t n : {1u, 2u, 3u, 4u, 7u}) {
    const auto said = on_ranks(GetParam(), n, [&](group& on) {
      for (std::size_t part : {16u, 1'600u, 160'000u}) {
        const auto S = part * n * sizeof(float);
        floats block(part * n, 1.0f);
        const std::span<const float> all{block};
        const auto own = std::span{block}.subspan(on.rank() * part, part);
        parts_list parts;
        for (std::size_t r = 0; r < n; ++r)
          parts.push_back({r * part, part});
        const auto sends = [&](auto&& act) {
          const auto before = on.bytes_sent();
          act();
          return on.bytes_sent() - before;
        };
        const auto sum = gpu::reduction::sum;
        for (auto by : {algorithm::direct, algorithm::ring}) {
          const auto name = to_string(by) + std::to_string(part);
          require(sends([&] {
            on.all_reduce(all, std::span{block}, sum, by);
          }) == 2 * (n - 1) * S / n,
              "all_reduce by " + name);
          require(sends([&] { on.reduce_scatter(all, own, sum, by); }) ==
                      (n - 1) * S / n,
              "reduce_scatter by " + name);
          require(sends([&] {
            on.all_gather(std::span<const float>{own}, std::span{block}, by);
          }) == (n - 1) * S / n,
              "all_gather by " + name);
          require(sends([&] { on.reduce_scatter(all, parts, own, sum, by); }) ==
                      (n - 1) * S / n,
              "reduce_scatter of parts by " + name);
          require(sends([&] {
            on.all_gather(
                std::span<const float>{own}, parts, std::span{block}, by);
          }) == (n - 1) * S / n,
              "all_gather of parts by " + name);
        }
        require(sends([&] { on.barrier(); }) == 0, "barrier");
        const auto doubled = sends([&] {
          on.all_reduce(all, std::span{block}, sum, algorithm::doubling);
        });
        require(n != 4 || doubled == 2 * S, "doubling");
        require(n != 4 || doubled != 2 * (n - 1) * S / n, "the twin");
      }
    });

    EXPECT_THAT(said, Each("")) << n << " ranks";
  }
}

} // namespace
} // namespace troupe::collective
