#include "protocols/placement/slot_book.hpp"

#include <gtest/gtest.h>

namespace troupe::placement {
namespace {

using gpu::device_kind;
constexpr auto cpu = device_kind::cpu;
constexpr auto cuda = device_kind::cuda;

std::vector<device_kind> cpus(std::size_t count) {
  return std::vector<device_kind>(count, cpu);
}

constexpr instant at(int t) {
  return instant{duration{t}};
}

TEST(slot_book_test, spreads_leases_over_the_emptiest_slots) {
  slot_book book{cpus(2), 2};

  EXPECT_EQ(book.claim(1, 10, cpu, at(0)), 0u);
  EXPECT_EQ(book.claim(2, 11, cpu, at(0)), 1u);
  EXPECT_EQ(book.claim(3, 12, cpu, at(0)), 0u);
  EXPECT_EQ(book.claim(4, 13, cpu, at(0)), 1u);
}

TEST(slot_book_test, spares_a_slot_for_parts_of_the_test_set) {
  slot_book book{cpus(2), 2};

  book.spare(0);

  EXPECT_EQ(book.alive(), 1u);
  EXPECT_EQ(book.alive(cpu), 1u);
  EXPECT_EQ(book.claim(1, 10, cpu, at(0)), 1u);
  EXPECT_EQ(book.claim(2, 11, cpu, at(0)), 1u);
  EXPECT_EQ(book.claim(3, 12, cpu, at(0)), std::nullopt);
  book.begin_part(0, true, at(4));
  ASSERT_EQ(book.at_parts().size(), 1u);
  EXPECT_EQ(book.at_parts().front().since, at(4));

  EXPECT_TRUE(book.lose(0).empty());
  EXPECT_TRUE(book.at_parts().empty());
  EXPECT_EQ(book.lost(), 1u);
  EXPECT_EQ(book.alive(), 1u);
}

TEST(slot_book_test, gives_no_more_than_its_credits) {
  slot_book book{cpus(1), 2};
  book.claim(1, 10, cpu, at(0));
  book.claim(2, 11, cpu, at(0));

  EXPECT_EQ(book.claim(3, 12, cpu, at(0)), std::nullopt);

  EXPECT_TRUE(book.release(1, at(5)));
  EXPECT_EQ(book.claim(3, 12, cpu, at(5)), 0u);
}

TEST(slot_book_test, queues_about_a_millisecond_of_work) {
  slot_book book{cpus(1), 256};
  book.claim(1, 10, cpu, at(0));
  EXPECT_EQ(book.depth(cpu), 2u);

  for (int i = 0; i < 200; ++i)
    book.took(1, 10e-6);
  EXPECT_NEAR(double(book.depth(cpu)), 100.0, 1.0);

  for (int i = 0; i < 200; ++i)
    book.took(1, 1e-9);
  EXPECT_EQ(book.depth(cpu), 256u);

  for (int i = 0; i < 200; ++i)
    book.took(1, 0.5);
  EXPECT_EQ(book.depth(cpu), 2u);
}

TEST(slot_book_test, holds_one_lease_a_slot_where_memory_allows_no_more) {
  slot_book book{cpus(1), 1};
  book.claim(1, 10, cpu, at(0));
  book.took(1, 1e-9);

  EXPECT_EQ(book.depth(cpu), 1u);
}

TEST(slot_book_test, counts_a_lease_as_running_from_its_turn) {
  slot_book book{cpus(1), 3};
  book.claim(1, 10, cpu, at(0));
  book.claim(2, 11, cpu, at(1));

  book.release(1, at(7));

  ASSERT_EQ(book.running().size(), 1u);
  EXPECT_EQ(book.running().front().lease, 2u);
  EXPECT_EQ(book.running().front().since, at(7));
}

TEST(slot_book_test, knows_nothing_of_a_lease_that_was_released) {
  slot_book book{cpus(1), 1};
  book.claim(1, 10, cpu, at(0));
  book.release(1, at(1));

  EXPECT_FALSE(book.release(1, at(2)));
  EXPECT_EQ(book.held(), 0u);
  EXPECT_TRUE(book.running().empty());
}

TEST(slot_book_test, gives_back_what_a_lost_slot_held) {
  slot_book book{cpus(2), 3};
  book.claim(1, 1, cpu, at(0));
  book.took(1, 1e-6);
  for (lease_id lease = 2; lease <= 6; ++lease)
    book.claim(lease, client_id(lease), cpu, at(0));

  auto all = book.lose(0);

  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].lease, 1u);
  EXPECT_EQ(all[1].lease, 3u);
  EXPECT_EQ(all[2].lease, 5u);
  EXPECT_EQ(book.alive(), 1u);
  EXPECT_EQ(book.lost(), 1u);
  EXPECT_EQ(book.held(), 3u);
}

TEST(slot_book_test, uses_a_lost_slot_again_once_it_has_answered) {
  slot_book book{cpus(1), 2};
  book.claim(1, 10, cpu, at(0));
  book.claim(2, 11, cpu, at(0));
  book.lose(0);
  EXPECT_TRUE(book.may_return(cpu));
  EXPECT_EQ(book.answered(2), std::nullopt); // it was at the other one

  EXPECT_EQ(book.answered(1), 0u);

  EXPECT_EQ(book.alive(), 1u);
  EXPECT_EQ(book.lost(), 0u);
  EXPECT_EQ(book.answered(1), std::nullopt);
  EXPECT_EQ(book.claim(3, 12, cpu, at(9)), 0u);
}

TEST(slot_book_test, never_uses_a_dead_slot_again) {
  slot_book book{cpus(2), 2};
  book.claim(1, 10, cpu, at(0));
  book.claim(2, 11, cpu, at(0));

  EXPECT_EQ(book.die(0).size(), 1u);

  EXPECT_FALSE(book.may_return(cpu));
  EXPECT_EQ(book.answered(1), std::nullopt);
  EXPECT_EQ(book.alive(), 1u);
  EXPECT_TRUE(book.die(0).empty());
  EXPECT_EQ(book.alive(), 1u);
}

TEST(slot_book_test, charges_a_part_of_the_test_set_to_nobody) {
  slot_book book{cpus(1), 2};
  book.claim(1, 10, cpu, at(0));
  book.begin_part(0, true, at(1));

  EXPECT_TRUE(book.running().empty());
  ASSERT_EQ(book.at_parts().size(), 1u);
  EXPECT_EQ(book.at_parts().front().since, at(1));

  book.end_part(0, at(9));
  ASSERT_EQ(book.running().size(), 1u);
  EXPECT_EQ(book.running().front().since, at(9));
  EXPECT_TRUE(book.at_parts().empty());
}

TEST(slot_book_test, lets_a_lease_run_beside_a_part_where_both_are_at_work) {
  slot_book book{{cuda}, 2};
  book.claim(1, 10, cuda, at(0));
  book.begin_part(0, false, at(1));
  ASSERT_EQ(book.running().size(), 1u);
  book.end_part(0, at(9));

  EXPECT_EQ(book.running().front().since, at(0));
}

TEST(slot_book_test, never_uses_a_lost_slot_that_does_not_answer) {
  slot_book book{cpus(2), 1};
  book.lose(0);

  EXPECT_EQ(book.claim(1, 10, cpu, at(0)), 1u);
  EXPECT_EQ(book.claim(2, 11, cpu, at(0)), std::nullopt);
  EXPECT_TRUE(book.lose(0).empty());
  EXPECT_EQ(book.alive(), 1u);
}

TEST(slot_book_test, gives_a_lease_a_slot_of_its_kind_only) {
  slot_book book{{cpu, cuda, cpu, cuda}, 1};

  EXPECT_EQ(book.claim(1, 10, cuda, at(0)), 1u);
  EXPECT_EQ(book.claim(2, 11, cuda, at(0)), 3u);
  EXPECT_EQ(book.claim(3, 12, cuda, at(0)), std::nullopt);
  EXPECT_EQ(book.claim(4, 13, cpu, at(0)), 0u);
}

TEST(slot_book_test, keeps_the_depths_of_kinds_apart) {
  slot_book book{{cpu, cuda}, 256};
  book.claim(1, 10, cpu, at(0));
  book.claim(2, 11, cuda, at(0));

  for (int i = 0; i < 200; ++i) {
    book.took(1, 0.5);
    book.took(2, 10e-6);
  }

  EXPECT_EQ(book.depth(cpu), 2u);
  EXPECT_NEAR(double(book.depth(cuda)), 100.0, 1.0);
}

TEST(slot_book_test, counts_the_living_slots_of_a_kind) {
  slot_book book{{cpu, cuda, cuda}, 1};
  book.lose(1);

  EXPECT_EQ(book.alive(cpu), 1u);
  EXPECT_EQ(book.alive(cuda), 1u);
  EXPECT_EQ(book.alive(), 2u);
}

TEST(slot_book_test, takes_in_a_slot_that_comes_later) {
  slot_book book{cpus(1), 1};
  book.claim(1, 10, cpu, at(0));

  EXPECT_EQ(book.add(cpu), 1u);

  EXPECT_EQ(book.claim(2, 11, cpu, at(0)), 1u);
  EXPECT_EQ(book.alive(), 2u);
}

TEST(slot_book_test, lets_a_slot_that_leaves_finish_what_it_has) {
  slot_book book{cpus(1), 2};
  book.claim(1, 10, cpu, at(0));

  book.retire(0);
  EXPECT_FALSE(book.has_left(0));
  EXPECT_EQ(book.claim(2, 11, cpu, at(0)), std::nullopt);
  EXPECT_EQ(book.running().size(), 1u);
  book.release(1, at(1));

  EXPECT_TRUE(book.has_left(0));
  EXPECT_EQ(book.lost(), 0u);
}

TEST(slot_book_test, loses_a_slot_that_does_not_return_when_it_was_to_leave) {
  slot_book book{cpus(1), 2};
  book.claim(1, 10, cpu, at(0));
  book.retire(0);

  EXPECT_EQ(book.lose(0).size(), 1u);

  EXPECT_EQ(book.lost(), 1u);
  EXPECT_TRUE(book.has_left(0));
  EXPECT_EQ(book.answered(1), std::nullopt);
  EXPECT_EQ(book.alive(), 0u);
}

TEST(slot_book_test, has_a_lost_slot_leave_for_good) {
  slot_book book{cpus(1), 2};
  book.claim(1, 10, cpu, at(0));
  book.lose(0);

  book.retire(0);

  EXPECT_TRUE(book.has_left(0));
  EXPECT_FALSE(book.may_return(cpu));
  EXPECT_EQ(book.answered(1), std::nullopt);
  EXPECT_EQ(book.lost(), 1u);
}

} // namespace
} // namespace troupe::placement
