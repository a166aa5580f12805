#include "runtime/data/partition.hpp"

#include "runtime/data/label_table.hpp"
#include "tests/runtime/data/labelled.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace troupe;
using namespace troupe::tests;
using data::partition;
using data::partition_label_dirichlet;
using data::partition_labels;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using training::view;

template <class Act>
std::string complaint(Act&& act) {
  try {
    act();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing";
}

std::set<std::size_t> labels_of(const view& part) {
  std::set<std::size_t> result;
  for (std::size_t i = 0; i < part.size(); ++i)
    result.insert(part.label(i));
  return result;
}

// The property: client i has `per_client` labels, i mod classes among them, and
// its equal part of each; what is left out nobody has the label of.
bool shares_labels(
    const view& samples, const partition& parts, std::size_t per_client) {
  const auto classes = samples.set().classes;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (auto labels = labels_of(parts[i]);
        labels.size() != per_client || !labels.contains(i % classes))
      return false;
  const auto all = data::tabulate({&samples, 1});
  const auto table = data::tabulate(parts);
  for (std::size_t label = 0; label < classes; ++label) {
    std::vector<std::size_t> shares;
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (auto count = table.count(i, label); count > 0)
        shares.push_back(count);
    std::size_t sum = 0;
    for (auto each : shares)
      sum += each;
    if (shares.empty())
      continue;
    if (sum != all.count(0, label) ||
        std::ranges::max(shares) > std::ranges::min(shares) + 1)
      return false;
  }
  auto indices = indices_of(parts);
  std::ranges::sort(indices);
  return std::ranges::adjacent_find(indices) == indices.end();
}

TEST(partition_labels_test, gives_each_client_its_label_and_others) {
  struct sizes {
    std::size_t samples, classes, clients, per_client;
  };
  for (auto [count, classes, clients, per_client] :
      {sizes{1000, 10, 10, 1}, {1000, 10, 10, 3}, {997, 10, 7, 2},
          {997, 10, 100, 2}, {60, 3, 8, 3}, {60, 2, 30, 1}, {10, 1, 10, 1}})
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      auto samples = labelled(count, classes);

      auto parts = partition_labels(samples, clients, per_client, seed);

      EXPECT_EQ(parts.size(), clients);
      EXPECT_TRUE(shares_labels(samples, parts, per_client))
          << count << " " << clients << " " << seed;
      if (clients >= classes) {
        EXPECT_TRUE(divides(samples, parts)) << count << " " << seed;
      }
    }
}

TEST(partition_labels_test, would_notice_labels_that_are_not_shared_so) {
  auto all = labelled(8, 2);
  view even{all.shared_set(), {0, 2, 4, 6}};
  view odd{all.shared_set(), {1, 3, 5, 7}};
  view twice{all.shared_set(), {0, 0, 2, 4}};

  EXPECT_TRUE(shares_labels(all, {even, odd}, 1));
  EXPECT_TRUE(shares_labels(all, {all.slice(0, 4), all.slice(4, 4)}, 2));
  EXPECT_TRUE(shares_labels(all, {even}, 1)) << "nobody has the odd label";
  EXPECT_FALSE(shares_labels(all, {odd, even}, 1)) << "other labels";
  EXPECT_FALSE(shares_labels(all, {even, odd}, 2)) << "too few labels";
  EXPECT_FALSE(shares_labels(all, {even, odd.slice(0, 3)}, 1)) << "one lost";
  EXPECT_FALSE(shares_labels(all, {twice, odd}, 1)) << "one twice";
  EXPECT_FALSE(shares_labels(all, {all.slice(0, 6), all.slice(6, 2)}, 2))
      << "unequal parts";
}

TEST(partition_labels_test, leaves_out_labels_that_nobody_has) {
  auto parts = partition_labels(labelled(100, 10), 3, 1, 1);

  EXPECT_THAT(sizes_of(parts), ElementsAre(10, 10, 10));
  EXPECT_THAT(labels_of(parts[0]), ElementsAre(0));
  EXPECT_THAT(labels_of(parts[1]), ElementsAre(1));
  EXPECT_THAT(labels_of(parts[2]), ElementsAre(2));
}

// 1,000 draws of one of four: 250 each, with a deviation of 14.
TEST(partition_labels_test, chooses_the_other_labels_alike) {
  auto samples = labelled(20, 5);
  std::array<int, 5> chosen{};
  for (std::uint64_t seed = 0; seed < 1000; ++seed)
    for (auto label : labels_of(partition_labels(samples, 4, 2, seed)[2]))
      ++chosen[label];

  EXPECT_EQ(chosen[2], 1000);
  for (auto label : {0u, 1u, 3u, 4u}) {
    EXPECT_GT(chosen[label], 250 - 4 * 14) << label;
    EXPECT_LT(chosen[label], 250 + 4 * 14) << label;
  }
}

TEST(partition_labels_test, says_why_labels_cannot_be_shared) {
  auto divide = [](const view& samples, std::size_t clients,
                    std::size_t per_client) {
    return complaint(
        [&] { partition_labels(samples, clients, per_client, 1); });
  };

  EXPECT_EQ(divide(labelled(10, 2), 2, 0),
      "cannot give clients 0 labels each: there are 2");
  EXPECT_EQ(divide(labelled(10, 2), 2, 3),
      "cannot give clients 3 labels each: there are 2");
  EXPECT_EQ(divide(labelled({0, 0, 0, 0, 0, 1, 1}, 2), 3, 2),
      "cannot divide the 2 samples of label 1 among its 3 clients: take "
      "fewer clients, or fewer labels a client");
  EXPECT_EQ(divide(labelled({0, 0, 0}, 2), 2, 1),
      "cannot divide the 0 samples of label 1 among its 1 clients: take "
      "fewer clients, or fewer labels a client");
  EXPECT_EQ(divide(labelled(10, 2), 11, 1),
      "cannot divide 10 samples among 11 clients with at least 1 each: that is "
      "enough for 10 clients");
  EXPECT_EQ(
      divide(labelled(10, 2), 0, 1), "cannot divide samples among no clients");
  EXPECT_EQ(divide(view{}, 0, 1), "cannot divide samples among no clients");
}

// Once it has its equal part, a client gets none of the labels that follow.
bool stops_when_full(const view& samples, const partition& parts) {
  auto table = data::tabulate(parts);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::size_t size = 0;
    for (std::size_t label = 0; label < table.classes; ++label) {
      if (size * parts.size() >= samples.size() && table.count(i, label) > 0)
        return false;
      size += table.count(i, label);
    }
  }
  return true;
}

// With 0.1, most first draws leave some client with fewer.
TEST(partition_label_dirichlet_test, gives_everyone_ten_samples_at_least) {
  auto samples = labelled(1000, 10);
  for (auto alpha : {0.1, 0.5, 100.0})
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      auto parts = partition_label_dirichlet(samples, 10, alpha, seed);

      EXPECT_EQ(parts.size(), 10u);
      EXPECT_TRUE(divides(samples, parts)) << alpha << " " << seed;
      EXPECT_TRUE(stops_when_full(samples, parts)) << alpha << " " << seed;
      EXPECT_THAT(sizes_of(parts), Each(Ge(10u))) << alpha << " " << seed;
    }
}

TEST(partition_label_dirichlet_test, would_notice_who_goes_on_when_full) {
  auto all = labelled(8, 2);
  view even{all.shared_set(), {0, 2, 4, 6}};
  view odd{all.shared_set(), {1, 3, 5, 7}};
  view more{all.shared_set(), {0, 2, 4, 6, 1}};

  EXPECT_TRUE(stops_when_full(all, {even, odd}));
  EXPECT_FALSE(stops_when_full(all, {more, odd.slice(1, 3)}));
}

TEST(partition_label_dirichlet_test, gives_exactly_ten_to_a_lone_client) {
  EXPECT_THAT(sizes_of(partition_label_dirichlet(labelled(10, 3), 1, 0.5, 1)),
      ElementsAre(10));
}

// A share of label 0 has the variance (1/4 - 1/16) / (4 alpha + 1); of 4,000
// shares the estimate is within some 3 %.
TEST(partition_label_dirichlet_test, draws_shares_from_the_distribution) {
  std::vector<std::uint8_t> labels(1000);
  std::fill(labels.begin() + 200, labels.end(), std::uint8_t{1});
  auto samples = labelled(std::move(labels), 2);
  double squares = 0.0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    auto table =
        data::tabulate(partition_label_dirichlet(samples, 4, 2.0, seed));
    for (std::size_t i = 0; i < 4; ++i) {
      auto share = table.count(i, 0) / 200.0 - 0.25;
      squares += share * share;
    }
  }

  EXPECT_NEAR(squares / 4000.0, 0.1875 / 9.0, 0.0025);
}

TEST(partition_label_dirichlet_test, divides_labels_alike_when_alpha_is_large) {
  auto table =
      data::tabulate(partition_label_dirichlet(labelled(1000, 10), 10, 1e6, 1));

  EXPECT_THAT(table.counts, Each(testing::AllOf(Ge(9u), testing::Le(11u))));
}

// Gammas underflow; everyone is full after one label of ten that are as large.
TEST(partition_label_dirichlet_test, gives_labels_away_whole_near_alpha_0) {
  std::set<std::size_t> firsts;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    auto parts = partition_label_dirichlet(labelled(1000, 10), 10, 1e-6, seed);

    EXPECT_THAT(sizes_of(parts), Each(100u)) << seed;
    for (const auto& part : parts)
      EXPECT_EQ(labels_of(part).size(), 1u) << seed;
    firsts.merge(labels_of(parts[0]));
  }
  EXPECT_GT(firsts.size(), 5u);
}

TEST(partition_label_dirichlet_test, takes_labels_without_samples) {
  auto samples = labelled(std::vector<std::uint8_t>(30, 1), 4);

  auto parts = partition_label_dirichlet(samples, 2, 5.0, 1);

  EXPECT_TRUE(divides(samples, parts));
}

TEST(partition_label_dirichlet_test, says_why_samples_cannot_be_shared) {
  auto divide = [](const view& samples, std::size_t clients, double alpha) {
    return complaint(
        [&] { partition_label_dirichlet(samples, clients, alpha, 1); });
  };

  EXPECT_EQ(divide(labelled(100, 2), 11, 0.5),
      "cannot divide 100 samples among 11 clients with at least 10 each: that "
      "is enough for 10 clients");
  EXPECT_EQ(
      divide(labelled(9, 2), 0, 0.5), "cannot divide samples among no clients");
  EXPECT_EQ(divide(labelled(1000, 2), 10, 1e-6),
      "1000 draws of Dirichlet(1e-06) left some of 10 clients with fewer than "
      "10 of the 1000 samples, with 0 at best: take fewer clients, or a larger "
      "alpha");
  EXPECT_EQ(divide(labelled(100, 2), 2, -1.0),
      "alpha = -1 is not a finite number above 0");
  EXPECT_EQ(
      divide(labelled(100, 2), 2, std::numeric_limits<double>::infinity()),
      "alpha = inf is not a finite number above 0");
}

struct way {
  std::string name;
  partition (*divide)(const view&, std::uint64_t);
};

class every_label_partition : public testing::TestWithParam<way> {};

TEST_P(every_label_partition, is_a_function_of_the_seed) {
  auto divide = [](std::uint64_t seed) {
    return indices_of(GetParam().divide(labelled(500, 10), seed));
  };

  EXPECT_EQ(divide(5), divide(5));
  EXPECT_NE(divide(5), divide(6));
}

TEST_P(every_label_partition, divides_part_of_a_set) {
  std::vector<std::uint32_t> late;
  for (std::uint32_t i = 300; i < 500; ++i)
    late.push_back(i);
  view some{labelled(500, 10).shared_set(), late};

  EXPECT_TRUE(divides(some, GetParam().divide(some, 1)));
}

INSTANTIATE_TEST_SUITE_P(ways, every_label_partition,
    testing::Values(way{"labels",
                        [](const view& of, std::uint64_t seed) {
                          return partition_labels(of, 12, 2, seed);
                        }},
        way{"label_dirichlet",
            [](const view& of, std::uint64_t seed) {
              return partition_label_dirichlet(of, 12, 0.5, seed);
            }}),
    [](const auto& each) { return each.param.name; });

// Bits that must not change; real numbers are far from where they are cut.
TEST(partition_labels_test, never_changes_its_choices) {
  EXPECT_THAT(indices_of(partition_labels(labelled(12, 4), 3, 2, 1)),
      ElementsAre(4, 8, 0, 7, 1, 5, 9, 3, 10, 6, 2, 11));
  EXPECT_THAT(indices_of(partition_label_dirichlet(labelled(30, 2), 2, 0.5, 1)),
      ElementsAre(18, 13, 29, 5, 27, 19, 21, 9, 7, 11, 25, 15, 1, 23, 17, 16,
          12, 10, 24, 0, 2, 8, 26, 6, 28, 4, 14, 22, 20, 3));
  auto table =
      data::tabulate(partition_label_dirichlet(labelled(200, 4), 5, 0.5, 1));
  EXPECT_THAT(table.counts, ElementsAre(0, 18, 21, 22, 16, 14, 24, 0, 0, 4, 3,
                                13, 33, 13, 0, 0, 1, 1, 2, 15));
}

} // namespace
