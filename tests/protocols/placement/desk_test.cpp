#include "protocols/placement/desk.hpp"

#include <gtest/gtest.h>

#include "tests/protocols/placement/desk_witness.hpp"

namespace troupe::placement {
namespace {

using gpu::device_kind;

constexpr instant at(duration t) {
  return instant{} + t;
}

desk_options of_slots(std::size_t count, std::size_t depth = 1) {
  desk_options result;
  result.slots.assign(count, device_kind::cpu);
  result.depth = depth;
  return result;
}

desk with_leases(desk_options options, lease_id count, duration allowed = {}) {
  desk result{std::move(options)};
  for (lease_id i = 0; i < count; ++i)
    result.wait(
        {.lease = i, .client = static_cast<client_id>(i), .allowed = allowed},
        {});
  return result;
}

TEST(desk_test, seats_leases_in_the_order_in_which_they_came) {
  auto x = with_leases(of_slots(2), 3);

  EXPECT_EQ(x.next(0, at(0s))->grant.lease, 0u);
  EXPECT_EQ(x.next(0, at(0s))->grant.lease, 1u);
  EXPECT_FALSE(x.next(0, at(0s)));

  x.answered(0, 0.1, at(1s));
  EXPECT_EQ(x.next(0, at(1s))->grant.lease, 2u);
}

TEST(desk_test, counts_contributions_elsewhere_against_the_same_bound) {
  auto x = with_leases(of_slots(2), 2);

  EXPECT_FALSE(x.next(3, at(0s)));
  EXPECT_TRUE(x.next(2, at(0s)));
}

TEST(desk_test, lets_a_lease_that_waits_go_without_a_word) {
  auto x = with_leases(of_slots(1), 2);
  x.next(0, at(0s));

  const auto whose = x.revoke(1, at(0s));
  x.answered(0, 0.1, at(1s));

  EXPECT_EQ(whose, client_id{1});
  EXPECT_EQ(x.revoke(1, at(1s)), std::nullopt);

  EXPECT_FALSE(x.next(0, at(1s)));
}

TEST(desk_test, tells_a_lease_at_a_slot_to_stop) {
  auto x = with_leases(of_slots(1), 1);
  const auto seat = x.next(0, at(0s));

  x.revoke(0, at(1s));

  const auto said = x.take_stopping();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].lease, seat->grant.lease);
  EXPECT_TRUE(x.take_stopping().empty());
  EXPECT_EQ(x.due(), at(3s));
}

TEST(desk_test, names_a_lease_that_takes_longer_than_it_was_granted) {
  auto x = with_leases(of_slots(1, 2), 2, 5s);
  x.next(0, at(0s));
  x.next(0, at(0s));
  EXPECT_EQ(x.due(), at(5s));

  EXPECT_TRUE(x.late(at(4s)).empty());
  const auto late = x.late(at(5s));

  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].what, overdue::kind::lease);
  EXPECT_EQ(late[0].of.lease, 0u);
}

// It began to run when the one before it stopped, and nothing else may happen.
TEST(desk_test, looks_for_a_lease_that_waited_at_its_slot_by_its_own_end) {
  auto options = of_slots(1, 2);
  options.stop_grace = 20s;
  auto x = with_leases(options, 2, 1s);
  x.next(0, at(0s));
  x.next(0, at(0s));
  ASSERT_EQ(x.late(at(1s)).size(), 1u);
  x.revoke(0, at(1s));
  EXPECT_TRUE(x.late(at(1s)).empty());

  x.answered(0, 1.5, at(1500ms)); // it has stopped

  ASSERT_TRUE(x.due());
  EXPECT_LE(*x.due(), at(2500ms));
  const auto late = x.late(at(2500ms));
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].of.lease, 1u);
  EXPECT_EQ(late[0].what, overdue::kind::lease);
}

TEST(desk_test, does_not_blame_a_client_for_a_part_of_the_test_set) {
  auto x = with_leases(of_slots(1), 1, 5s);
  x.begin_part(0, true, at(0s));
  x.next(0, at(0s));

  EXPECT_TRUE(x.late(at(60s)).empty());
  x.end_part(0, at(60s));

  EXPECT_TRUE(x.late(at(64s)).empty());
  EXPECT_EQ(x.late(at(65s)).size(), 1u);
}

TEST(desk_test, names_a_part_that_takes_too_long) {
  auto options = of_slots(1);
  options.part_time = 10s;
  desk x{options};
  x.begin_part(0, true, at(0s));

  EXPECT_EQ(x.late(at(10s)).at(0).what, overdue::kind::part);
  x.stop_parts(at(10s));

  EXPECT_EQ(x.late(at(12s)).at(0).what, overdue::kind::stopped_part);
}

TEST(desk_test, has_a_lost_slot_back_that_answers_after_all) {
  auto x = with_leases(of_slots(1), 2);
  x.next(0, at(0s));
  x.revoke(0, at(0s));
  EXPECT_EQ(x.late(at(2s)).at(0).what, overdue::kind::stopped_lease);
  const auto left = x.lose(0, "deaf", at(2s));
  ASSERT_EQ(left.size(), 1u);
  EXPECT_FALSE(left[0].open);
  EXPECT_EQ(x.alive(), 0u);

  const auto answer = x.answered(0, 9.0, at(3s));

  EXPECT_FALSE(answer.known);
  EXPECT_EQ(answer.returned, 0u);
  EXPECT_TRUE(x.deserted(at(60s)).empty());
  EXPECT_TRUE(x.next(0, at(3s)));
}

TEST(desk_test, gives_up_a_kind_whose_slots_all_stay_away) {
  auto x = with_leases(of_slots(1), 1);
  x.next(0, at(0s));
  x.revoke(0, at(0s));
  x.late(at(2s));
  x.lose(0, "deaf", at(2s));

  EXPECT_TRUE(x.deserted(at(3s)).empty());
  const auto gone = x.deserted(at(4s));

  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].why, "deaf");
}

TEST(desk_test, leaves_over_what_a_dead_slot_held) {
  auto x = with_leases(of_slots(1, 2), 2);
  x.next(0, at(0s));
  x.next(0, at(0s));
  x.revoke(1, at(0s));

  const auto left = x.die(0);

  ASSERT_EQ(left.size(), 2u);
  EXPECT_TRUE(left[0].open);
  EXPECT_FALSE(left[1].open);
  EXPECT_FALSE(x.has(device_kind::cpu));
}

TEST(desk_test, stops_whatever_is_seated_when_it_closes) {
  auto x = with_leases(of_slots(2), 2);
  x.next(0, at(0s));
  x.next(0, at(0s));
  x.revoke(1, at(0s));

  x.close(1s, at(1s));

  EXPECT_EQ(x.take_stopping().size(), 2u); // each once
}

TEST(desk_test, seats_a_resident_at_home_and_nobody_else) {
  desk x{of_slots(1)};
  const auto home = x.add(device_kind::cuda, 7);
  x.wait({.lease = 0, .client = 1}, {});
  x.wait({.lease = 1, .client = 2}, {});
  x.wait({.lease = 2, .client = 7}, {});
  x.wait({.lease = 3, .client = 7}, {});

  EXPECT_EQ(x.next(0, at(0s))->slot, 0u);
  const auto resident = x.next(0, at(0s));
  ASSERT_TRUE(resident);
  EXPECT_EQ(resident->grant.lease, 2u);
  EXPECT_EQ(resident->slot, home);
  EXPECT_FALSE(x.next(0, at(0s))) << "one waits for each slot";
  EXPECT_FALSE(x.lacks_slots());
  EXPECT_FALSE(x.has(device_kind::cuda)) << "for any client";
}

TEST(desk_test, lets_a_resident_wait_for_its_node_without_holding_up_anybody) {
  desk x{of_slots(1)};
  const auto home = x.add(device_kind::cpu, 7);
  x.wait({.lease = 0, .client = 7}, {});
  x.next(0, at(0s));
  for (slot_id i = 0; i < 5; ++i) { // its node is lost again and again
    const auto left = x.depart(home + i, true);
    ASSERT_EQ(left.size(), 1u);
    EXPECT_TRUE(left[0].open);
    EXPECT_FALSE(left[0].poisonous);
    x.wait(left[0].at.grant, {});
    EXPECT_FALSE(x.next(0, at(0s)));
    EXPECT_FALSE(x.lacks_slots());
    x.add(device_kind::cpu, 7);
    EXPECT_EQ(x.next(0, at(0s))->slot, home + i + 1);
  }
  x.wait({.lease = 9, .client = 1}, {});

  EXPECT_EQ(x.next(0, at(0s))->slot, 0u);
}

// Desks with one fault each; the witness has to find every one.

struct forgets_to_stop : desk {
  using desk::desk;
  std::optional<client_id> revoke(lease_id, instant) { return {}; }
};

struct keeps_the_end_to_itself : desk {
  using desk::desk;
  void close(duration grace, instant now) {
    desk::close(grace, now);
    take_stopping();
  }
};

struct repeats_itself : desk {
  using desk::desk;
  std::vector<stopping> take_stopping() {
    auto all = desk::take_stopping();
    all.insert(all.end(), said_.begin(), said_.end());
    return said_ = all;
  }
  std::vector<stopping> said_;
};

struct serves_any_kind : desk {
  explicit serves_any_kind(desk_options options)
      : desk(blind(std::move(options))) {}
  static desk_options blind(desk_options options) {
    options.kinds = {};
    options.slots.assign(options.slots.size(), device_kind::cpu);
    return options;
  }
};

struct is_impatient : desk {
  using desk::desk;
  void wait(federated::grant what, gpu::shared_buffer base) {
    what.allowed /= 2;
    desk::wait(what, std::move(base));
  }
};

struct knows_no_bound : desk {
  using desk::desk;
  std::optional<seat> next(std::size_t, instant now) {
    return desk::next(0, now);
  }
};

struct keeps_what_is_left : desk {
  using desk::desk;
  std::vector<left_over> lose(slot_id slot, std::string why, instant now) {
    auto all = desk::lose(slot, std::move(why), now);
    if (all.size() > 1)
      all.pop_back();
    return all;
  }
};

struct never_says_when : desk {
  using desk::desk;
  std::optional<instant> due() const { return std::nullopt; }
};

struct blames_the_first : desk {
  using desk::desk;
  std::vector<left_over> depart(slot_id slot, bool lost) {
    auto all = desk::depart(slot, lost);
    for (auto& each : all)
      each.poisonous = lost;
    return all;
  }
};

struct blames_nobody : desk {
  using desk::desk;
  std::vector<left_over> depart(slot_id slot, bool) {
    return desk::depart(slot, false);
  }
};

struct opens_every_home : desk {
  using desk::desk;
  slot_id add(device_kind kind, std::optional<client_id> = std::nullopt) {
    return desk::add(kind);
  }
};

struct sends_residents_home_with_anybody : desk {
  using desk::desk;
  slot_id add(device_kind kind, std::optional<client_id> whom = std::nullopt) {
    if (whom && !first_)
      first_ = whom;
    return desk::add(kind, whom ? first_ : whom);
  }
  std::optional<client_id> first_;
};

struct blames_residents : desk {
  using desk::desk;
  std::vector<left_over> depart(slot_id slot, bool lost) {
    auto all = desk::depart(slot, lost);
    if (only_for(slot) && !all.empty())
      all.front().poisonous = ++deaths_ >= 3;
    return all;
  }
  int deaths_ = 0;
};

template <class Desk>
bool is_found(const std::string& words) {
  for (std::uint64_t seed = 0; seed < 500; ++seed)
    if (desk_history<Desk>{seed}.run().find(words) != std::string::npos)
      return true;
  return false;
}

TEST(desk_histories_test, keep_every_promise) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed)
    ASSERT_EQ(desk_history<desk>{seed}.run(), "") << "seed " << seed;
}

TEST(desk_histories_test, find_every_broken_twin) {
  EXPECT_TRUE(is_found<forgets_to_stop>("revokes without a word"));
  EXPECT_TRUE(is_found<keeps_the_end_to_itself>("ends without a word"));
  EXPECT_TRUE(is_found<repeats_itself>("says it twice"));
  EXPECT_TRUE(is_found<serves_any_kind>("another kind of device"));
  EXPECT_TRUE(is_found<is_impatient>("before its time"));
  EXPECT_TRUE(is_found<knows_no_bound>("more under way"));
  EXPECT_TRUE(is_found<keeps_what_is_left>("a slot that is gone"));
  EXPECT_TRUE(is_found<never_says_when>("without having said when"));
  EXPECT_TRUE(is_found<blames_the_first>("blames the wrong one"));
  EXPECT_TRUE(is_found<blames_nobody>("blames the wrong one"));
  EXPECT_TRUE(is_found<opens_every_home>("seats one at another's home"));
  EXPECT_TRUE(is_found<opens_every_home>("seats a resident away from home"));
  EXPECT_TRUE(is_found<sends_residents_home_with_anybody>(
      "seats a resident away from home"));
  EXPECT_TRUE(is_found<blames_residents>("blames a resident for its node"));
}

} // namespace
} // namespace troupe::placement
