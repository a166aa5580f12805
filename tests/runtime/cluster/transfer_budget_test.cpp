#include "runtime/cluster/transfer_budget.hpp"

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace troupe::cluster {
namespace {

using shared_room = transfer_budget::shared_room;

struct transfer_budget_test : testing::Test {
  std::shared_ptr<transfer_budget> budget =
      std::make_shared<transfer_budget>(100);
  std::vector<int> order;
  std::vector<shared_room> rooms = std::vector<shared_room>(10);

  void ask(int who, std::uint64_t bytes) {
    budget->ask(bytes, [this, who](shared_room in) {
      order.push_back(who);
      rooms[std::size_t(who)] = std::move(in);
    });
  }
  void leave(int who) { rooms[std::size_t(who)].reset(); }
};

TEST_F(transfer_budget_test, lets_in_as_many_as_fit) {
  ask(1, 60);
  ask(2, 40);
  ask(3, 1);

  EXPECT_EQ(order, (std::vector{1, 2}));
  EXPECT_EQ(budget->held(), 100u);

  leave(2);

  EXPECT_EQ(order, (std::vector{1, 2, 3}));
  EXPECT_EQ(budget->held(), 61u);
}

TEST_F(transfer_budget_test, keeps_the_order_in_which_it_was_asked) {
  ask(1, 60);
  ask(2, 50);
  ask(3, 1);

  EXPECT_EQ(order, (std::vector{1})) << "a small one would pass a large one";

  leave(1);

  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST_F(transfer_budget_test, lets_one_in_that_is_larger_than_all_of_it) {
  ask(1, 10);
  ask(2, 1000);
  ask(3, 1000);
  EXPECT_EQ(order, (std::vector{1}));

  leave(1);
  EXPECT_EQ(order, (std::vector{1, 2}));
  leave(2);

  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST_F(transfer_budget_test, has_one_that_takes_too_long_give_way_once) {
  ask(1, 100);
  ask(2, 100);

  rooms[1]->give_way();
  rooms[1]->give_way();
  EXPECT_EQ(order, (std::vector{1, 2}));
  EXPECT_EQ(budget->held(), 100u);
  leave(1);

  EXPECT_EQ(budget->held(), 100u);
}

TEST_F(transfer_budget_test, goes_on_behind_those_who_are_gone) {
  ask(1, 100);
  for (int i = 0; i < 1000; ++i)
    budget->ask(100, [](const shared_room&) {});
  ask(2, 100);

  leave(1);

  EXPECT_EQ(order, (std::vector{1, 2}));
}

TEST_F(transfer_budget_test, never_holds_more_than_it_has) {
  std::atomic<std::uint64_t> here = 0, most = 0, served = 0;
  const auto work = [&](unsigned seed) {
    std::mt19937 dice{seed};
    for (int i = 0; i < 500; ++i) {
      const std::uint64_t bytes = 1 + dice() % 100;
      std::atomic<bool> in = false;
      shared_room room;
      budget->ask(bytes, [&](shared_room mine) {
        const auto now = here += bytes;
        for (auto old = most.load(); now > old;)
          if (most.compare_exchange_weak(old, now))
            break;
        room = std::move(mine);
        in = true;
        in.notify_one();
      });
      in.wait(false);
      here -= bytes;
      room.reset();
      ++served;
    }
  };
  {
    std::vector<std::jthread> all;
    for (unsigned i = 0; i < 4; ++i)
      all.emplace_back(work, i);
  }

  EXPECT_EQ(served, 2000u);
  EXPECT_LE(most, 100u);
  EXPECT_EQ(budget->held(), 0u);
}

} // namespace
} // namespace troupe::cluster
