// Ranks of several processes, each of which has a room of its own.
#include "runtime/parallel/wired_room.hpp"

#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::parallel {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

using shared_room = std::shared_ptr<wired_room>;

shared_room room(mesh_wire by = mesh_wire::automatic,
    const std::string& host = "127.0.0.1") {
  return std::make_shared<wired_room>(
      wired_room_options{host, "127.0.0.1", by});
}

// What all of them have added up, each on a thread of its own.
std::vector<float> sums(const std::vector<shared_room>& rooms,
    const std::string& at, epoch_id epoch) {
  const auto ranks = static_cast<std::uint32_t>(rooms.size());
  std::vector<std::future<float>> all;
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    all.push_back(std::async(std::launch::async, [&, rank] {
      const auto group = rooms[rank]->meet({epoch, rank, rank, ranks, at}, {});
      const float mine = static_cast<float>(rank + 1);
      float sum = 0.0f;
      group->all_reduce(gpu::const_typed_span{std::span{&mine, 1}},
          std::span{&sum, 1}, gpu::reduction::sum, {});
      return sum;
    }));
  std::vector<float> result;
  for (auto& one : all)
    result.push_back(one.get());
  return result;
}

TEST(wired_room_test, is_where_ranks_of_several_processes_meet) {
  for (const auto by :
      {mesh_wire::automatic, mesh_wire::memory, mesh_wire::tcp}) {
    const auto one = room(by), other = room(by);
    for (epoch_id epoch = 1; epoch <= 3; ++epoch) {
      const auto at = one->open({epoch, 0, 4, true});

      EXPECT_THAT(at, StartsWith("127.0.0.1:"));
      EXPECT_EQ(sums({one, one, other, other}, at, epoch),
          std::vector<float>(4, 10.0f));
    }
  }
}

TEST(wired_room_test, lets_one_rank_meet_itself) {
  const auto alone = room();
  const auto at = alone->open({1, 0, 1, true});

  EXPECT_EQ(sums({alone}, at, 1), std::vector<float>{1.0f});
}

TEST(wired_room_test, is_found_where_it_listens_at_any_address) {
  const auto one = room(mesh_wire::automatic, "0.0.0.0");
  const auto other = room();
  const auto at = one->open({1, 0, 3, true});

  EXPECT_THAT(at, StartsWith("0.0.0.0:"));
  EXPECT_EQ(sums({one, one, other}, at, 1), std::vector<float>(3, 6.0f));
}

TEST(wired_room_test, is_left_by_whoever_is_told_to) {
  for (const std::uint32_t rank : {0u, 1u}) {
    const auto here = room();
    const auto at = here->open({1, 0, 2, true});
    std::stop_source stop;
    auto meets = std::async(std::launch::async, [&] {
      here->meet({1, rank, rank, 2, at}, stop.get_token());
    });

    stop.request_stop();

    EXPECT_EQ(meets.wait_for(10s), std::future_status::ready) << rank;
    EXPECT_ANY_THROW(meets.get());
  }
}

TEST(wired_room_test, is_no_place_for_an_epoch_that_it_did_not_open) {
  const auto here = room();
  here->open({1, 0, 2, true});
  here->open({2, 0, 2, true});

  EXPECT_THROW(here->meet({1, 0, 0, 2, "127.0.0.1:1"}, {}), std::logic_error);
}

TEST(wired_room_test, says_where_ranks_cannot_meet) {
  try {
    room(mesh_wire::automatic, "::1");
    FAIL() << "it took an address of IPv6";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("ranks meet by IPv4, and \"::1\""));
  }
}

} // namespace
} // namespace troupe::parallel
