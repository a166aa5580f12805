#include "protocols/cluster/rank_ledger.hpp"

#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace troupe::cluster {
namespace {

using namespace parallel;

constexpr rank_limits most{3, 10, 20}; // values, batch, tests

tensor block(std::size_t size = 3, tensor_id id = 0) {
  return {std::make_shared<const gpu::buffer>(size), id};
}

/// Seat 5 of a node in epoch 2, told all that there is to tell.
struct rank_ledger_test : testing::Test {
  rank_ledger ledger{most};

  rank_ledger_test() {
    ledger.note(convene{2, 5, 4, true, 0});
    ledger.note(muster{2, 5, 0, 4, "a", 0, 7});
    ledger.note(advance{2, 5, 7, 9});
    ledger.note(assess{2, 5, 9});
    ledger.note(hand_over{2, 5, 9});
  }

  template <class Answer>
  std::string fault(const Answer& what) {
    const auto found = ledger.hear(what);
    EXPECT_FALSE(found.late);
    return found.fault;
  }
  void come_to_advanced() {
    EXPECT_EQ(fault(convened{2, 5, false, 0, "a"}), "");
    EXPECT_EQ(fault(mustered{2, 5}), "");
  }
  void come_to_assessed() {
    come_to_advanced();
    EXPECT_EQ(fault(advanced{2, 5, 9, 20, 0.5, 0.5, 0.25}), "");
  }
  void come_to_handed() {
    come_to_assessed();
    EXPECT_EQ(fault(assessed{2, 5, 9, {20, 10, 0.5}, 0.5}), "");
  }
};

TEST_F(rank_ledger_test, lets_a_rank_answer_what_it_is_told) {
  come_to_handed();

  EXPECT_EQ(
      fault(handed{2, 5, 9, block(), {{"m", block()}, {"v", block()}}}), "");
}

TEST_F(rank_ledger_test, takes_each_answer_once_and_in_its_turn) {
  EXPECT_NE(fault(mustered{2, 5}), "");
  come_to_advanced();

  EXPECT_NE(fault(convened{2, 5, false, 0, "a"}), "");
  EXPECT_NE(fault(mustered{2, 5}), "");
  EXPECT_NE(fault(handed{2, 5, 9, block(), {}}), "");
}

TEST_F(rank_ledger_test, drops_what_is_of_an_epoch_that_is_over) {
  ledger.note(convene{3, 5, 4, false, 0});

  EXPECT_TRUE(ledger.hear(mustered{2, 5}).late);
  EXPECT_TRUE(ledger.hear(broken{2, 5, 7, nobody, "gone"}).late);
  EXPECT_EQ(fault(convened{3, 5, true, 9, {}}), "");
}

TEST_F(rank_ledger_test, knows_its_own_seats_and_epochs_alone) {
  EXPECT_NE(fault(convened{2, 6, false, 0, {}}), "");
  EXPECT_NE(fault(convened{3, 5, false, 0, {}}), "");
  EXPECT_NE(fault(broken{3, 5, 0, nobody, "why"}), "");
}

TEST_F(rank_ledger_test, knows_how_far_a_rank_can_have_come) {
  EXPECT_NE(fault(convened{2, 5, true, 10, "a"}), "");
  ledger.note(convene{3, 5, 4, true, 0});
  EXPECT_NE(fault(convened{3, 5, false, 1, "a"}), "");
  ledger.note(convene{4, 5, 4, true, 0});
  EXPECT_EQ(fault(convened{4, 5, true, 9, "a"}), "");
}

TEST_F(rank_ledger_test, takes_an_address_of_whoever_opens_alone) {
  ledger.note(convene{3, 5, 4, false, 0});
  EXPECT_NE(fault(convened{3, 5, false, 0, "a"}), "");
  ledger.note(convene{4, 5, 4, true, 0});
  EXPECT_NE(fault(convened{4, 5, false, 0, std::string(301, 'a')}), "");
}

TEST_F(rank_ledger_test, takes_no_sums_that_cannot_be) {
  constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<advanced> wrong{{2, 5, 8, 1}, {2, 5, 9, 21},
      {2, 5, 9, 1, 0.5, nan}, {2, 5, 9, 1, 0.5, 0.5, -1.0},
      {2, 5, 9, 1, 0.5, 0.5, 0.5, 0, nan}};
  for (const auto& one : wrong) {
    auto copy = ledger;
    copy.hear(convened{2, 5, false, 0, "a"});
    copy.hear(mustered{2, 5});
    EXPECT_NE(copy.hear(one).fault, "");
  }
  come_to_assessed();
  const std::vector<assessed> scores{{2, 5, 8, {}, 0.5},
      {2, 5, 9, {21, 0, 0.5}, 0.5}, {2, 5, 9, {3, 4, 0.5}, 0.5},
      {2, 5, 9, {3, 3, 0.5}, nan}};
  for (const auto& one : scores) {
    auto copy = ledger;
    EXPECT_NE(copy.hear(one).fault, "");
  }
}

TEST_F(rank_ledger_test, takes_blocks_of_the_models_size_alone) {
  come_to_handed();
  const std::vector<handed> wrong{{2, 5, 8, block(), {}}, {2, 5, 9, {}, {}},
      {2, 5, 9, block(4), {}}, {2, 5, 9, block(), {{"m", block(2)}}},
      {2, 5, 9, block(3, 7), {{"m", block(3, 7)}}},
      {2, 5, 9, block(), named_blocks(17, {"m", block()})}};
  for (const auto& one : wrong) {
    auto copy = ledger;
    EXPECT_NE(copy.hear(one).fault, "");
  }
}

TEST_F(rank_ledger_test, is_handed_nothing_but_by_the_first_rank) {
  ledger.note(convene{3, 5, 4, false, 0});
  ledger.note(muster{3, 5, 1, 4, "a", 0, 9});
  ledger.note(hand_over{3, 5, 9});
  EXPECT_EQ(fault(convened{3, 5, true, 9, {}}), "");
  EXPECT_EQ(fault(mustered{3, 5}), "");

  EXPECT_NE(fault(handed{3, 5, 9, block(), {}}), "");
}

TEST_F(rank_ledger_test, hears_nothing_behind_an_end) {
  come_to_advanced();

  EXPECT_NE(fault(broken{2, 5, 7, 4, "rank 4 is gone"}), ""); // of four
  EXPECT_EQ(fault(broken{2, 5, 7, 3, "rank 3 is gone"}), "");
  EXPECT_NE(fault(advanced{2, 5, 9, 20, 0.5, 0.5, 0.25}), "");
}

/// Orders and answers at random, of which a liar's turn is a step further than
/// any that it was told to make. Whether that was found, and nothing else.
template <class Ledger>
bool finds_the_liar(std::uint64_t seed) {
  std::mt19937_64 dice{seed};
  Ledger ledger{most};
  std::deque<step_id> owed;
  epoch_id epoch = 0;
  step_id made = 0, ordered = 0;
  for (auto left = 10 + dice() % 40; left > 0; --left) {
    if (epoch == 0 || dice() % 10 == 0) {
      ledger.note(convene{++epoch, 1, 2, false, 0});
      ledger.note(muster{epoch, 1, 1, 2, "a", 0, made});
      ordered = made;
      owed.clear();
      if (!ledger.hear(convened{epoch, 1, true, made, {}}) ||
          !ledger.hear(mustered{epoch, 1}))
        return false;
    } else if (owed.empty() || dice() % 2 == 0) {
      const auto first = std::exchange(ordered, ordered + 1 + dice() % 5);
      ledger.note(advance{epoch, 1, first, ordered});
      owed.push_back(ordered);
    } else {
      made = owed.front();
      owed.pop_front();
      if (!ledger.hear(advanced{epoch, 1, made}))
        return false;
    }
  }
  return !ledger.hear(advanced{epoch, 1, ordered + 1}).fault.empty();
}

/// Takes a rank's word for how far it is.
struct credulous : rank_ledger {
  using rank_ledger::hear;
  using rank_ledger::rank_ledger;
  finding hear(const advanced&) { return {}; }
};

TEST(rank_ledger_property_test, finds_the_one_step_that_nobody_asked_for) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    EXPECT_TRUE(finds_the_liar<rank_ledger>(seed)) << seed;
    EXPECT_FALSE(finds_the_liar<credulous>(seed)) << seed;
  }
}

} // namespace
} // namespace troupe::cluster
