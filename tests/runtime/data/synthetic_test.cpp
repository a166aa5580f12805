#include "runtime/data/synthetic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/data/label_table.hpp"

namespace {

using namespace troupe;

// The values of feature `j` over one client's samples.
std::vector<double> feature(const training::view& client, std::size_t j) {
  const auto& all = std::get<std::vector<float>>(client.set().features);
  std::vector<double> result;
  for (std::size_t i = 0; i < client.size(); ++i)
    result.push_back(all[client.index(i) * 60 + j]);
  return result;
}

double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (auto value : values)
    sum += value;
  return sum / static_cast<double>(values.size());
}

double variance(const std::vector<double>& values) {
  auto center = mean(values);
  std::vector<double> squares;
  for (auto value : values)
    squares.push_back((value - center) * (value - center));
  return mean(squares);
}

// How far the clients' mean features lie apart.
double spread(double beta) {
  std::vector<double> means;
  for (const auto& client : data::synthetic(0.0, beta, 60, 1).clients)
    means.push_back(mean(feature(client, 0)));
  return variance(means);
}

TEST(synthetic_test, has_60_features_and_ten_classes) {
  auto [clients, test] = data::synthetic(0.5, 0.5, 30, 1);

  EXPECT_EQ(clients.size(), 30u);
  EXPECT_EQ(clients[0].set().shape, std::vector<std::size_t>{60});
  EXPECT_EQ(test->shape, std::vector<std::size_t>{60});
  EXPECT_EQ(test->classes, 10u);
  EXPECT_LT(*std::max_element(test->labels.begin(), test->labels.end()), 10);
}

TEST(synthetic_test, holds_a_tenth_of_each_client_out) {
  auto [clients, test] = data::synthetic(1.0, 1.0, 30, 2);

  std::size_t held_out = 0;
  for (const auto& client : clients) {
    EXPECT_GE(client.size(), 45u);
    held_out += client.size() / 9; // a tenth of all is a ninth of the others
  }
  EXPECT_NEAR(
      static_cast<double>(test->size()), static_cast<double>(held_out), 30.0);
}

TEST(synthetic_test, draws_lognormal_sizes) {
  std::vector<double> logarithms;
  for (const auto& client : data::synthetic(0.0, 0.0, 100, 3).clients) {
    auto all = static_cast<double>(client.size()) / 0.9;
    logarithms.push_back(std::log(std::max(1.0, all - 50.0)));
  }

  EXPECT_NEAR(mean(logarithms), 4.0, 0.6);
  EXPECT_NEAR(std::sqrt(variance(logarithms)), 2.0, 0.5);
}

TEST(synthetic_test, narrows_later_features) {
  auto clients = data::synthetic(0.0, 0.0, 30, 4).clients;
  auto largest = *std::max_element(clients.begin(), clients.end(),
      [](const auto& a, const auto& b) { return a.size() < b.size(); });

  EXPECT_NEAR(variance(feature(largest, 0)), 1.0, 0.1);
  EXPECT_NEAR(variance(feature(largest, 9)), std::pow(10.0, -1.2), 0.01);
  EXPECT_NEAR(variance(feature(largest, 59)), std::pow(60.0, -1.2), 0.002);
}

TEST(synthetic_test, spreads_features_by_beta) {
  EXPECT_NEAR(spread(0.0), 1.0, 0.5);
  EXPECT_NEAR(spread(2.0), 5.0, 2.5);
}

TEST(synthetic_test, makes_more_than_one_label_a_client) {
  auto [clients, test] = data::synthetic(0.0, 0.0, 20, 5);
  auto table = data::tabulate(clients);

  std::size_t mixed = 0;
  for (std::size_t client = 0; client < 20; ++client) {
    std::size_t labels = 0;
    for (std::size_t label = 0; label < 10; ++label)
      labels += table.count(client, label) > 0;
    mixed += labels > 1;
  }
  EXPECT_GT(mixed, 10u);
}

TEST(synthetic_test, keeps_clients_whoever_else_there_is) {
  auto few = data::synthetic(1.0, 1.0, 3, 6).clients;
  auto many = data::synthetic(1.0, 1.0, 10, 6).clients;
  auto others = data::synthetic(1.0, 1.0, 3, 7).clients;

  EXPECT_EQ(feature(few[2], 5), feature(many[2], 5));
  EXPECT_NE(feature(few[2], 5), feature(others[2], 5));
}

// Many clients are made by all processors.
TEST(synthetic_test, makes_the_same_clients_in_parallel) {
  auto few = data::synthetic(1.0, 1.0, 3, 6);
  auto many = data::synthetic(1.0, 1.0, 300, 6);

  ASSERT_LT(few.clients[0].set().size(), 20'000u);
  ASSERT_GT(many.clients[0].set().size(), 20'000u);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j : {0u, 59u})
      EXPECT_EQ(feature(few.clients[i], j), feature(many.clients[i], j));
  EXPECT_TRUE(std::equal(few.test->labels.begin(), few.test->labels.end(),
      many.test->labels.begin()));
  auto [again, test] = data::synthetic(1.0, 1.0, 300, 6);
  EXPECT_EQ(again[0].set().features, many.clients[0].set().features);
  EXPECT_EQ(again[0].set().labels, many.clients[0].set().labels);
  EXPECT_EQ(test->features, many.test->features);
}

TEST(synthetic_test, refuses_what_makes_no_sense) {
  auto nan = std::numeric_limits<double>::quiet_NaN();

  EXPECT_THROW(data::synthetic(-1.0, 0.0, 1, 1), std::invalid_argument);
  EXPECT_THROW(data::synthetic(0.0, nan, 1, 1), std::invalid_argument);
  EXPECT_THROW(data::synthetic(0.0, 0.0, 0, 1), std::invalid_argument);
}

} // namespace
