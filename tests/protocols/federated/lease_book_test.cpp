#include "protocols/federated/lease_book.hpp"

#include <gtest/gtest.h>

namespace troupe::federated {
namespace {

lease_book book_with(std::initializer_list<client_id> clients) {
  lease_book book;
  book.restart(100);
  for (auto client : clients)
    book.open(client, 0, 1, 0.5);
  return book;
}

} // namespace

TEST(lease_book_test, numbers_leases_one_after_the_other) {
  auto book = book_with({7, 8});

  EXPECT_EQ(book.find(100)->client, 7);
  EXPECT_EQ(book.find(101)->client, 8);
  EXPECT_EQ(book.next(), 102);
  EXPECT_EQ(book.outstanding(), 2);
}

TEST(lease_book_test, names_what_is_wrong_with_an_update) {
  auto book = book_with({1, 2, 3, 4});
  book.close(*book.find(101), lease_state::accepted);
  book.close(*book.find(102), lease_state::ended);
  book.close(*book.find(103), lease_state::outdated);

  EXPECT_EQ(book.reason_to_drop({100, 1, 0}), drop_reason::none);
  EXPECT_EQ(book.reason_to_drop({100, 2, 0}), drop_reason::unknown);
  EXPECT_EQ(book.reason_to_drop({100, 1, 1}), drop_reason::unknown);
  EXPECT_EQ(book.reason_to_drop({101, 2, 0}), drop_reason::duplicate);
  EXPECT_EQ(book.reason_to_drop({102, 3, 0}), drop_reason::late);
  EXPECT_EQ(book.reason_to_drop({103, 4, 0}), drop_reason::too_stale);
  EXPECT_EQ(book.reason_to_drop({104, 5, 0}), drop_reason::unknown);
  EXPECT_EQ(book.reason_to_drop({99, 1, 0}), drop_reason::late);
}

TEST(lease_book_test, calls_a_forgotten_lease_late) {
  auto book = book_with({1, 2});
  book.close(*book.find(100), lease_state::accepted);

  book.forget(2);

  EXPECT_EQ(book.find(100), nullptr);
  EXPECT_EQ(book.reason_to_drop({100, 1, 0}), drop_reason::late);
  EXPECT_EQ(book.reason_to_drop({101, 2, 0}), drop_reason::none);
}

TEST(lease_book_test, never_forgets_an_open_lease) {
  auto book = book_with({1});

  book.forget(1000);

  EXPECT_NE(book.find_open(100), nullptr);
}

TEST(lease_book_test, outdates_each_open_lease_of_an_old_version_once) {
  auto book = book_with({1, 2});
  book.open(3, 5, 2, 0.5);
  book.close(*book.find(100), lease_state::accepted);
  std::vector<lease_id> told;
  const auto tell = [&](lease_id id, const lease_entry&) {
    told.push_back(id);
  };

  book.outdate(5, lease_state::outdated, tell);
  book.outdate(5, lease_state::outdated, tell);

  EXPECT_EQ(told, std::vector<lease_id>{101});
  EXPECT_EQ(book.outstanding(), 1);
}

TEST(lease_book_test, annuls_what_one_round_accepted_and_no_more) {
  auto book = book_with({1});
  book.open(2, 0, 2, 0.5);
  book.close(*book.find(100), lease_state::accepted);
  book.close(*book.find(101), lease_state::accepted);

  book.annul(2);

  EXPECT_EQ(book.reason_to_drop({100, 1, 0}), drop_reason::duplicate);
  EXPECT_EQ(book.reason_to_drop({101, 2, 0}), drop_reason::late);
}

TEST(lease_book_test, remembers_no_more_than_two_rounds) {
  lease_book book;
  book.restart(0);

  for (std::uint64_t round = 1; round <= 1000; ++round) {
    book.forget(round - 1);
    for (client_id i = 0; i < 10; ++i) {
      const auto id = book.open(i, round, round, 0.1);
      ASSERT_EQ(book.find_open(id)->client, i);
      book.close(*book.find(id), lease_state::accepted);
    }
    ASSERT_LE(book.remembered(), 20);
  }
}

} // namespace troupe::federated
