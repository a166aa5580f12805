#include "protocols/publication/ledger.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/aggregation/accumulator.hpp"
#include "gpu/random.hpp"
#include "gpu/range.hpp"

namespace troupe::publication {
namespace {

constexpr auto nan = std::numeric_limits<float>::quiet_NaN();
constexpr auto infinity = std::numeric_limits<float>::infinity();

using list = std::vector<std::uint64_t>;

TEST(ledger_test, admits_what_can_be_summed) {
  ledger sums{3};

  EXPECT_EQ(sums.admission_of(0.0f, 0.5), gpu::admission::added);
  EXPECT_EQ(sums.admission_of(1000.0f, 1.0), gpu::admission::added);
  EXPECT_EQ(sums.admission_of(1024.0f, 1.0), gpu::admission::out_of_range);
  EXPECT_EQ(sums.admission_of(nan, 0.5), gpu::admission::not_finite);
  EXPECT_EQ(sums.admission_of(infinity, 0.5), gpu::admission::not_finite);
  EXPECT_EQ(sums.admission_of(1.0f, -1.0), gpu::admission::bad_weight);
  EXPECT_EQ(sums.admission_of(1.0f, 5000.0), gpu::admission::bad_weight);
}

// Each is fit alone; together they would pass what a sum can reach.
TEST(ledger_test, admits_no_more_than_the_sums_can_reach) {
  ledger sums;
  std::size_t given = 0;
  for (; sums.admission_of(2000.0f, 0.5) == gpu::admission::added; ++given)
    sums.give(2000.0f, 0.5, 0.5);

  EXPECT_EQ(given, std::size_t(0x1p22 / 1000.0));
  sums.round();
  EXPECT_EQ(sums.admission_of(2000.0f, 0.5), gpu::admission::added);
}

TEST(ledger_test, counts_a_contribution_once_every_shard_has_it) {
  ledger sums{2};
  for (int i = 0; i < 3; ++i)
    sums.give(1.0f, 0.1, 0.1);
  EXPECT_EQ(sums.missing(), 3u);

  EXPECT_EQ(sums.added(0, list{1, 2, 3}), list{});
  EXPECT_EQ(sums.missing(), 3u);
  EXPECT_EQ(sums.added(1, list{10, 20}), (list{11, 22}));
  EXPECT_EQ(sums.missing(), 1u);
  EXPECT_EQ(sums.added(1, list{30}), list{33});
  EXPECT_EQ(sums.missing(), 0u);
}

// Each edge has its own order; told is the order in which all were given.
TEST(ledger_test, tells_in_their_order_what_edges_add_in_theirs) {
  ledger sums{2, 0, 3};
  sums.give(1.0f, 0.1, 0.1, 2);
  sums.give(1.0f, 0.1, 0.1, 0);
  sums.give(1.0f, 0.1, 0.1, 2);
  sums.give(1.0f, 0.1, 0.1, 1);

  EXPECT_EQ(sums.added(0, list{1}), list{}); // edge 0, its first shard
  EXPECT_EQ(sums.added(1, list{10}), list{});
  EXPECT_EQ(sums.added(5, list{20, 40}), list{}); // edge 2, its second
  EXPECT_EQ(sums.missing(), 4u);
  EXPECT_EQ(sums.added(4, list{2}), (list{22, 11}));
  EXPECT_EQ(sums.missing(), 2u);
  EXPECT_EQ(sums.added(2, list{3}), list{});
  EXPECT_EQ(sums.added(3, list{30}), list{});
  EXPECT_EQ(sums.added(4, list{4}), (list{44, 33}));
  EXPECT_EQ(sums.missing(), 0u);
}

// Whichever shard is ahead, and however much each acknowledges at once.
TEST(ledger_test, tells_each_checksum_once_and_in_order) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    gpu::random_stream random{seed, gpu::stream::user, 8};
    const std::size_t shards = 1 + random.below(4), given = random.below(40);
    ledger sums{shards};
    list expected, told;
    for (std::uint64_t i = 0; i < given; ++i) {
      sums.give(0.0f, 0.0, 0.0);
      expected.push_back(shards * i + shards * (shards - 1) / 2 * 1000);
    }
    list at(shards);
    while (told.size() < given) {
      const auto shard = random.below(static_cast<std::uint32_t>(shards));
      list some;
      for (auto n = random.below(5); n > 0 && at[shard] < given; --n)
        some.push_back(at[shard]++ + 1000 * shard);
      for (auto each : sums.added(shard, some))
        told.push_back(each);
      ASSERT_EQ(told.size(), std::ranges::min(at));
    }

    EXPECT_EQ(told, expected) << seed;
  }
}

TEST(ledger_test, sums_up_what_the_shards_have_summed_up) {
  ledger sums{2};
  for (std::uint64_t version = 1; version <= 2; ++version) {
    sums.round();
    sums.rounded(0, 0.0f, {0.5, 0.75, version});
    sums.rounded(1, 0.0f, {0.5, 0.75, ~std::uint64_t{0}});

    EXPECT_EQ(sums.sum(), (gpu::sum_total{0.5, 0.75, version - 1}));
  }
}

TEST(ledger_test, has_a_version_once_every_shard_has_rounded) {
  ledger sums{3};
  sums.round();

  EXPECT_FALSE(sums.rounded(1, 0.0f));
  EXPECT_FALSE(sums.rounded(1, 0.0f));
  EXPECT_FALSE(sums.rounded(0, 0.0f));
  EXPECT_TRUE(sums.rounded(2, 0.0f));
}

TEST(ledger_test, knows_how_far_a_mixture_may_be_from_the_current_version) {
  ledger sums{2, 7};
  for (int i = 0; i < 2; ++i) {
    sums.round();
    sums.rounded(0, 1.0f);
    sums.rounded(1, 3.0f);
  }

  EXPECT_GE(sums.mixed(0.5f, 7), 7.0f);
  EXPECT_LE(sums.mixed(0.5f, 7), 7.01f);
  EXPECT_GE(sums.mixed(0.5f, 8), 4.0f);
  EXPECT_LE(sums.mixed(0.5f, 8), 4.01f);
  EXPECT_EQ(sums.mixed(0.5f, 9), 0.5f);
  EXPECT_TRUE(std::isnan(sums.mixed(nan, 7)));
}

TEST(ledger_test, admits_no_mixture_from_across_a_version_that_diverged) {
  for (auto step : {nan, infinity, 1e30f}) {
    ledger sums;
    sums.round();
    sums.rounded(0, step);

    EXPECT_EQ(sums.admission_of(sums.mixed(0.0f, 0), 1e-6),
        gpu::admission::out_of_range);
    EXPECT_EQ(
        sums.admission_of(sums.mixed(0.0f, 1), 1e-6), gpu::admission::added);
  }
}

TEST(ledger_test, admits_no_mixture_with_a_version_that_it_does_not_know) {
  ledger sums;
  for (int i = 0; i < 70'000; ++i) {
    sums.round();
    sums.rounded(0, 0.0f);
  }

  EXPECT_EQ(sums.admission_of(sums.mixed(0.0f, 4'000), 1e-6),
      gpu::admission::out_of_range);
  EXPECT_EQ(
      sums.admission_of(sums.mixed(0.0f, 5'000), 1e-6), gpu::admission::added);
}

enum class twin { sound, forgets_what_was_given, forgets_the_way };

// The sums of some shards, with whatever magnitudes and weights come: hostile
// ones more often than not.
class shards_of {
public:
  shards_of(std::size_t count, std::vector<float> start)
      : current_(std::move(start)), ledger_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      ranges_.push_back(gpu::range_of(i, count, current_.size()));
      sums_.emplace_back(ranges_.back().size);
    }
    note();
  }

  // False if any shard refuses what the ledger admits.
  bool contribute(gpu::random_stream& random, twin which) {
    const auto scale = static_cast<int>(random.below(60)) - 20;
    std::vector<float> values(current_.size());
    for (auto& x : values)
      x = static_cast<float>(std::ldexp(random.normal(), scale));
    auto largest = 0.0f;
    for (auto x : values)
      largest = std::max(largest, std::abs(x));
    const auto share = gpu::on_weight_grid(
        std::ldexp(random.uniform(), static_cast<int>(random.below(12))));
    if (random.below(2) == 0) {
      const auto& [base, version] = versions_[random.below(versions_.size())];
      largest = ledger_.mixed(
          largest, which == twin::forgets_the_way ? version_ : version);
      for (std::size_t i = 0; i < values.size() && version != version_; ++i)
        values[i] = (base[i] + values[i]) - current_[i];
    }
    const auto weight = gpu::on_weight_grid(share * random.uniform());
    if (ledger_.admission_of(largest, share) != gpu::admission::added)
      return true;
    if (which != twin::forgets_what_was_given)
      ledger_.give(largest, weight, share);
    bool all = true;
    for (std::size_t i = 0; i < sums_.size(); ++i)
      all &= sums_[i].add(ranges_[i].of(std::span<const float>{values}), weight,
                 share) == gpu::admission::added;
    ++given_;
    return all;
  }
  void round() {
    ledger_.round();
    ++version_;
    const auto before = current_;
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      auto out = ranges_[i].of(std::span{current_});
      if (sums_[i].contributions() > 0 && sums_[i].share() > 0)
        sums_[i].publish(out, 1.0, out);
      sums_[i].clear();
      auto step = 0.0f;
      for (auto j = ranges_[i].first; j < ranges_[i].first + out.size(); ++j)
        step = std::max(step, std::abs(current_[j] - before[j]));
      ledger_.rounded(static_cast<shard_id>(i), step);
    }
    note();
  }
  std::uint64_t given() const { return given_; }

private:
  void note() {
    versions_.push_back({current_, version_});
    if (versions_.size() > 4)
      versions_.erase(versions_.begin());
  }

  std::vector<float> current_;
  version_id version_ = 0;
  ledger ledger_;
  std::vector<gpu::range> ranges_;
  std::vector<gpu::accumulator> sums_;
  std::vector<std::pair<std::vector<float>, version_id>> versions_;
  std::uint64_t given_ = 0;
};

// Whether no shard refused anything in some histories.
bool never_refuses(twin which) {
  std::uint64_t given = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    gpu::random_stream random{seed, gpu::stream::user, 5};
    std::vector<float> start(5);
    for (auto& x : start)
      x = static_cast<float>(
          std::ldexp(random.normal(), static_cast<int>(random.below(40))));
    shards_of some{1 + random.below(4), start};
    // Sums that grow, or versions far from each other.
    const auto pace = random.below(2) == 0 ? 8'000u : 4u;
    for (int i = 0; i < 20'000; ++i) {
      if (!some.contribute(random, which))
        return false;
      if (random.below(pace) == 0)
        some.round();
    }
    given += some.given();
  }
  EXPECT_GT(given, 5'000u) << "too little was admitted to prove anything";
  return true;
}

TEST(ledger_test, admits_nothing_that_a_shard_refuses) {
  EXPECT_TRUE(never_refuses(twin::sound));
}

TEST(ledger_test, would_not_do_without_what_was_given) {
  EXPECT_FALSE(never_refuses(twin::forgets_what_was_given));
}

TEST(ledger_test, would_not_do_without_the_way_of_mixtures) {
  EXPECT_FALSE(never_refuses(twin::forgets_the_way));
}

} // namespace
} // namespace troupe::publication
