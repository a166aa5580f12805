#include "protocols/placement/allotment.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

namespace troupe::placement {
namespace {

using gpu::device_kind;
constexpr client_id clients = 20'000;

std::vector<device_kind> kinds(const allotment& who) {
  std::vector<device_kind> result;
  for (client_id c = 0; c < clients; ++c)
    result.push_back(who.kind_of(c));
  return result;
}

TEST(allotment_test, gives_every_client_to_the_only_kind) {
  for (auto kind : {device_kind::cpu, device_kind::cuda})
    EXPECT_EQ(kinds(allotment{3, {{kind, 5}}}),
        std::vector<device_kind>(clients, kind));
  EXPECT_EQ(
      kinds(allotment{}), std::vector<device_kind>(clients, device_kind::cpu));
}

// Within five standard deviations of the binomial distribution.
TEST(allotment_test, gives_clients_to_a_kind_as_it_has_slots) {
  for (std::uint64_t seed : {0, 1, 7})
    for (std::uint64_t slots : {1, 2, 32, 1000}) {
      allotment who{seed, {{device_kind::cpu, 2}, {device_kind::cuda, slots}}};
      auto all = kinds(who);

      auto on_gpu =
          double(std::count(all.begin(), all.end(), device_kind::cuda));

      auto p = double(slots) / double(slots + 2);
      EXPECT_NEAR(on_gpu, p * clients, 5 * std::sqrt(p * (1 - p) * clients))
          << "seed " << seed << ", " << slots << " slots";
    }
}

TEST(allotment_test, looks_at_the_ratio_of_slots_alone) {
  allotment one{1, {{device_kind::cpu, 2}, {device_kind::cuda, 4}}};
  allotment twice{1,
      {{device_kind::cuda, 6}, {device_kind::cpu, 4}, {device_kind::cuda, 2}}};
  allotment other{1, {{device_kind::cpu, 2}, {device_kind::cuda, 5}}};

  EXPECT_EQ(one.shares(), twice.shares());
  EXPECT_EQ(kinds(one), kinds(twice));
  EXPECT_NE(kinds(one), kinds(other));
}

TEST(allotment_test, draws_anew_for_another_seed) {
  std::vector<share> even{{device_kind::cpu, 1}, {device_kind::cuda, 1}};
  auto one = kinds(allotment{1, even});
  auto two = kinds(allotment{2, even});

  double same = 0;
  for (client_id c = 0; c < clients; ++c)
    same += one[c] == two[c] ? 1 : 0;

  EXPECT_NEAR(same, clients / 2.0, 5 * std::sqrt(clients / 4.0));
}

// A run that was recorded has to be resumed by any later build.
TEST(allotment_test, never_changes) {
  allotment who{1, {{device_kind::cpu, 1}, {device_kind::cuda, 3}}};

  std::string drawn;
  for (client_id c = 0; c < 32; ++c)
    drawn += who.kind_of(c) == device_kind::cpu ? 'c' : 'g';

  EXPECT_EQ(drawn, "gcgcggggcggcgcggggggggcgcgcgcggg");
}

} // namespace
} // namespace troupe::placement
