#include "protocols/federated/selection.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

namespace troupe::federated {
namespace {

std::vector<client_id> first(client_id count) {
  std::vector<client_id> clients(count);
  std::iota(clients.begin(), clients.end(), client_id{0});
  return clients;
}

} // namespace

TEST(draw_cohort_test, draws_distinct_clients_and_leaves_the_list_as_it_was) {
  auto clients = first(50);
  gpu::random_stream random{1};

  for (std::size_t count = 0; count <= 50; ++count) {
    const auto cohort = draw_cohort(clients, count, random);

    EXPECT_EQ(std::set(cohort.begin(), cohort.end()).size(), count);
    EXPECT_EQ(clients, first(50));
  }
}

TEST(draw_cohort_test, draws_every_client_as_often) {
  constexpr int draws = 20'000;
  std::array<int, 10> times{};
  auto clients = first(10);
  gpu::random_stream random{2};

  for (int i = 0; i < draws; ++i)
    for (auto client : draw_cohort(clients, 3, random))
      ++times[client];

  for (auto n : times)
    EXPECT_NEAR(n, 0.3 * draws, 350); // 5 standard deviations
}

TEST(pool_test, holds_what_a_set_would) {
  std::set<client_id> model;
  pool clients;
  gpu::random_stream random{3};

  for (int i = 0; i < 20'000; ++i) {
    const auto client = random.below(40);
    switch (random.below(3)) {
    case 0:
      clients.insert(client);
      model.insert(client);
      break;
    case 1:
      clients.erase(client);
      model.erase(client);
      break;
    default:
      if (!clients.empty()) {
        ASSERT_EQ(model.erase(clients.take(random)), 1);
      }
    }
    ASSERT_EQ(clients.size(), model.size());
    ASSERT_EQ(clients.contains(client), model.contains(client));
  }
}

TEST(pool_test, takes_every_client_as_often) {
  constexpr int draws = 20'000;
  std::array<int, 8> times{};
  pool clients;
  for (client_id i = 0; i < 8; ++i)
    clients.insert(i);
  gpu::random_stream random{4};

  for (int i = 0; i < draws; ++i) {
    const auto client = clients.take(random);
    ++times[client];
    clients.insert(client);
  }

  for (auto n : times)
    EXPECT_NEAR(n, draws / 8.0, 240); // 5 standard deviations
}

} // namespace troupe::federated
