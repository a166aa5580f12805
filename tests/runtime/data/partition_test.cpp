#include "runtime/data/partition.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/data/label_table.hpp"
#include "tests/runtime/data/labelled.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;
using data::partition;
using testing::HasSubstr;
using training::view;

struct way {
  std::string name;
  std::function<partition(const view&, std::size_t, std::uint64_t)> divide;
};

std::vector<way> all_ways() {
  using namespace data;
  return {{"iid", partition_iid},
      {"shards",
          [](const auto& of, auto clients, auto seed) {
            return partition_shards(of, clients, 2, seed);
          }},
      {"one_shard",
          [](const auto& of, auto clients, auto seed) {
            return partition_shards(of, clients, 1, seed);
          }},
      {"dirichlet",
          [](const auto& of, auto clients, auto seed) {
            return partition_dirichlet(of, clients, 0.5, seed);
          }},
      {"sharp_dirichlet",
          [](const auto& of, auto clients, auto seed) {
            return partition_dirichlet(of, clients, 1e-6, seed);
          }},
      {"quantity",
          [](const auto& of, auto clients, auto seed) {
            return partition_quantity(of, clients, 0.5, seed);
          }},
      {"sharp_quantity", [](const auto& of, auto clients, auto seed) {
         return partition_quantity(of, clients, 1e-6, seed);
       }}};
}

// Classes that make up at least a twentieth of a client's samples.
std::size_t labels_in(const view& part) {
  auto table = data::tabulate({&part, 1});
  std::size_t labels = 0;
  for (auto count : table.counts)
    labels += 20 * count >= part.size();
  return labels;
}

class every_partition : public testing::TestWithParam<way> {
protected:
  partition divide(
      const view& samples, std::size_t clients, std::uint64_t seed = 1) const {
    return GetParam().divide(samples, clients, seed);
  }
};

TEST_P(every_partition, gives_each_sample_to_one_client_and_some_to_each) {
  for (auto [count, clients] :
      {std::pair{1000u, 7u}, {1000, 100}, {60, 30}, {37, 18}, {10, 1}})
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      auto samples = labelled(count, 10);

      auto parts = divide(samples, clients, seed);

      EXPECT_EQ(parts.size(), clients);
      EXPECT_TRUE(divides(samples, parts)) << count << " " << seed;
    }
}

TEST(partition_test, would_notice_lost_shared_and_missing_samples) {
  auto all = labelled(10, 2);

  EXPECT_TRUE(divides(all, {all.slice(0, 5), all.slice(5, 5)}));
  EXPECT_FALSE(divides(all, {all.slice(0, 5), all.slice(5, 4)}));
  EXPECT_FALSE(divides(all, {all.slice(0, 5), all.slice(4, 6)}));
  EXPECT_FALSE(divides(all, {all, all.slice(0, 0)}));
}

TEST_P(every_partition, is_a_function_of_the_seed) {
  auto samples = labelled(500, 10);

  auto once = indices_of(divide(samples, 20, 5));

  EXPECT_EQ(indices_of(divide(samples, 20, 5)), once);
  EXPECT_NE(indices_of(divide(samples, 20, 6)), once);
}

TEST_P(every_partition, divides_part_of_a_set) {
  std::vector<std::uint32_t> odd;
  for (std::uint32_t i = 1; i < 100; i += 2)
    odd.push_back(i);

  auto indices = indices_of(divide({labelled(100, 10).shared_set(), odd}, 5));

  EXPECT_TRUE(std::is_permutation(
      indices.begin(), indices.end(), odd.begin(), odd.end()));
}

TEST_P(every_partition, refuses_more_clients_than_samples) {
  try {
    divide(labelled(10, 2), 11);
    FAIL() << "nothing was thrown";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(
        error.what(), HasSubstr("cannot divide 10 samples among 11 clients"));
  }
  EXPECT_THROW(divide(labelled(10, 2), 0), std::invalid_argument);
  EXPECT_THROW(divide(view{}, 1), std::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(ways, every_partition, testing::ValuesIn(all_ways()),
    [](const auto& each) { return each.param.name; });

TEST(partition_test, makes_iid_clients_alike) {
  auto parts = data::partition_iid(labelled(10'000, 10), 10, 1);

  for (const auto& part : parts) {
    EXPECT_EQ(part.size(), 1000u);
    EXPECT_EQ(labels_in(part), 10u);
  }
}

TEST(partition_test, gives_few_labels_with_shards) {
  auto parts = data::partition_shards(labelled(10'000, 10), 100, 2, 1);

  for (const auto& part : parts) {
    EXPECT_EQ(part.size(), 100u);
    EXPECT_LE(labels_in(part), 2u);
  }
}

TEST(partition_test, refuses_shards_that_would_be_empty) {
  EXPECT_THROW(
      data::partition_shards(labelled(10, 2), 6, 2, 1), std::invalid_argument);
  EXPECT_THROW(
      data::partition_shards(labelled(10, 2), 5, 0, 1), std::invalid_argument);
}

TEST(partition_test, mixes_more_labels_the_larger_alpha_is) {
  auto labels = [](double alpha) {
    std::size_t sum = 0;
    for (const auto& part :
        data::partition_dirichlet(labelled(20'000, 10), 50, alpha, 1))
      sum += labels_in(part);
    return static_cast<double>(sum) / 50.0;
  };

  EXPECT_LT(labels(0.01), 3.0);
  EXPECT_LT(labels(0.01), labels(0.5));
  EXPECT_LT(labels(0.5), labels(100.0));
  EXPECT_GT(labels(100.0), 9.5);
}

TEST(partition_test, skews_quantities_more_the_smaller_alpha_is) {
  auto largest = [](double alpha) {
    auto sizes =
        sizes_of(data::partition_quantity(labelled(10'000, 10), 50, alpha, 1));
    return *std::max_element(sizes.begin(), sizes.end());
  };

  EXPECT_EQ(largest(1e-6), 9'951u); // and one to each of the others
  EXPECT_GT(largest(0.05), largest(1.0));
  EXPECT_GT(largest(1.0), largest(1000.0));
  EXPECT_LT(largest(1000.0), 250u);
}

TEST(partition_test, refuses_an_alpha_that_makes_no_sense) {
  auto samples = labelled(10, 2);
  for (auto alpha : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(),
           std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(
        data::partition_dirichlet(samples, 2, alpha, 1), std::invalid_argument);
    EXPECT_THROW(
        data::partition_quantity(samples, 2, alpha, 1), std::invalid_argument);
  }
}

// Bits that must not change with compiler or library.
TEST(partition_test, never_changes_its_choices) {
  auto samples = labelled(10, 5);

  EXPECT_THAT(indices_of(data::partition_iid(samples, 2, 1)),
      testing::ElementsAre(9, 5, 2, 0, 7, 3, 4, 8, 6, 1));
  EXPECT_THAT(indices_of(data::partition_shards(samples, 2, 2, 1)),
      testing::ElementsAre(4, 9, 6, 2, 7, 3, 8, 0, 5, 1));
}

TEST(label_table_test, counts_classes_by_client) {
  auto set = labelled(6, 3).shared_set();
  partition clients{view{set, {0, 3, 1}}, view{set, {2}}, view{}};

  auto table = data::tabulate(clients);

  EXPECT_EQ(table.clients, 3u);
  EXPECT_EQ(table.classes, 3u);
  EXPECT_THAT(table.counts, testing::ElementsAre(2, 1, 0, 0, 0, 1, 0, 0, 0));
  EXPECT_EQ(table.count(0, 0), 2u);
}

TEST(label_table_test, prints_itself) {
  auto set = labelled(6, 2).shared_set();
  partition clients{view{set, {0, 2, 1}}, view{set, {3}}, view{set, {4, 5}}};

  EXPECT_EQ(data::to_text(data::tabulate(clients), 2),
      " client  samples |      0      1\n"
      "      0        3 |      2      1\n"
      "      1        1 |      0      1\n"
      "    ... 1 more clients\n"
      "    all        6 |      3      3\n");
}

} // namespace
