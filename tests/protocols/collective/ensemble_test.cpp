#include "protocols/collective/ensemble.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::collective {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const signature add{operation_kind::all_reduce, gpu::element::f32,
    gpu::reduction::sum, 5, 0, 0};

settings three() {
  return {.size = 3,
      .least = 2,
      .patience = 10s,
      .init_time = 5s,
      .operation_time = 2s,
      .release_time = 1s,
      .attempts = 2};
}

/// With what it said to the last event.
struct trial {
  ensemble rule{three()};
  decisions said;
  instant now{1s};

  void join(member_id m, std::uint64_t incarnation = 1, std::uint32_t wish = 0,
      std::string device = "") {
    said.clear();
    rule.join({m, incarnation, wish,
                  device.empty() ? "GPU-" + std::to_string(m) : device},
        now, said);
  }
  template <class... Args>
  void tell(void (ensemble::*what)(Args...), auto... args) {
    said.clear();
    (rule.*what)(args..., now, said);
  }
  drop_reason declare(
      epoch_id epoch, member_id m, operation_number n, signature what = add) {
    said.clear();
    return rule.declare(epoch, m, n, what, now, said);
  }
  void wake_at(duration t) {
    now = instant{t};
    said.clear();
    rule.wake(now, said);
  }
  /// All three, in epoch 1.
  void run() {
    for (member_id m = 0; m < 3; ++m)
      join(m);
    said.clear();
    rule.named(1, 0, {}, now, said);
    for (member_id m = 0; m < 3; ++m)
      rule.formed(1, m, now, said);
  }
};

TEST(ensemble_test, ranks_by_wish_and_then_by_member) {
  trial t;
  t.join(2, 1, 7);
  t.join(1, 1, 7);
  t.join(0, 1, 8);
  ASSERT_TRUE(t.said.name);
  EXPECT_EQ(t.said.name->member, 1u);

  t.said.clear();
  t.rule.named(1, 1, {}, t.now, t.said);

  ASSERT_TRUE(t.said.form);
  EXPECT_THAT(t.said.form->members, ElementsAre(1, 2, 0));
}

TEST(ensemble_test, refuses_a_second_rank_on_one_device_by_name) {
  trial t;
  t.join(0, 1, 0, "GPU-beef");
  t.join(1, 1, 0, "GPU-beef");

  ASSERT_EQ(t.said.rejected.size(), 1u);
  EXPECT_EQ(t.said.rejected[0].why, refusal::device_taken);
  EXPECT_EQ(t.said.rejected[0].other, 0u);
}

TEST(ensemble_test, refuses_what_a_dead_incarnation_still_sends) {
  trial t;
  t.join(0, 3);
  t.said.clear();
  t.rule.leave(0, 3, t.now, t.said);
  t.join(0, 3);
  ASSERT_EQ(t.said.rejected.size(), 1u);
  EXPECT_EQ(t.said.rejected[0].why, refusal::stale_incarnation);

  t.join(0, 4);
  EXPECT_THAT(t.said.rejected, IsEmpty());
}

TEST(ensemble_test, waits_for_the_missing_and_then_makes_do) {
  trial t;
  t.join(0);
  t.join(2);
  EXPECT_EQ(t.said.wake, instant{11s});
  t.wake_at(10s);
  EXPECT_FALSE(t.said.name);

  t.wake_at(11s);

  ASSERT_TRUE(t.said.name);
  EXPECT_EQ(t.rule.epoch(), 1u);
}

TEST(ensemble_test, gives_up_on_too_few) {
  trial t;
  t.join(0);
  t.wake_at(11s);

  ASSERT_TRUE(t.said.given_up);
  EXPECT_THAT(*t.said.given_up, HasSubstr("only 1 of 3 members"));
  t.join(1);
  EXPECT_EQ(t.said.rejected.at(0).why, refusal::given_up);
}

TEST(ensemble_test, names_who_does_not_join_in_time) {
  trial t;
  for (member_id m = 0; m < 3; ++m)
    t.join(m);
  t.said.clear();
  t.rule.named(1, 0, {}, t.now, t.said);
  t.rule.formed(1, 0, t.now, t.said);
  t.rule.formed(1, 2, t.now, t.said);
  EXPECT_EQ(t.said.wake, instant{6s});

  t.wake_at(6s);

  ASSERT_TRUE(t.said.dissolve);
  EXPECT_EQ(t.said.dissolve->why, trouble::init_timeout);
  EXPECT_THAT(t.said.dissolve->text,
      HasSubstr("not in the communicator within 5 s: member 1 (rank 1)"));
}

TEST(ensemble_test, names_who_asks_for_something_else) {
  trial t;
  t.run();
  EXPECT_EQ(t.declare(1, 0, 4), drop_reason::none);
  auto other = add;
  other.count = 6;
  t.declare(1, 1, 4, other);

  ASSERT_TRUE(t.said.dissolve);
  EXPECT_EQ(t.said.dissolve->why, trouble::mismatch);
  EXPECT_EQ(t.said.dissolve->culprit, 1u);
  EXPECT_THAT(t.said.dissolve->members, ElementsAre(0, 1, 2));
  EXPECT_EQ(t.declare(1, 2, 4), drop_reason::old_epoch);
}

TEST(ensemble_test, names_who_asks_for_nothing) {
  trial t;
  t.run();
  t.declare(1, 0, 0);
  t.declare(1, 2, 0);
  EXPECT_EQ(t.said.wake, instant{3s});

  t.wake_at(3s);

  ASSERT_TRUE(t.said.dissolve);
  EXPECT_THAT(t.said.dissolve->text,
      HasSubstr("was not asked for within 2 s by member 1 (rank 1)"));
}

TEST(ensemble_test, drops_the_repeated_and_the_unknown_by_name) {
  trial t;
  t.run();
  EXPECT_EQ(t.declare(1, 0, 0), drop_reason::none);
  EXPECT_EQ(t.declare(1, 0, 0), drop_reason::duplicate);
  EXPECT_EQ(t.declare(1, 7, 0), drop_reason::unknown);
  EXPECT_EQ(t.declare(2, 0, 0), drop_reason::unknown);
  EXPECT_EQ(t.declare(0, 0, 0), drop_reason::old_epoch);
}

TEST(ensemble_test, forgets_an_operation_that_all_have_asked_for) {
  trial t;
  t.run();
  for (member_id m = 0; m < 3; ++m)
    t.declare(1, m, 0);

  EXPECT_FALSE(t.said.wake);
  EXPECT_EQ(t.declare(1, 1, 0), drop_reason::duplicate);
  t.wake_at(100s);
  EXPECT_FALSE(t.said.dissolve);
}

TEST(ensemble_test, begins_again_once_all_have_let_go) {
  trial t;
  t.run();
  t.said.clear();
  t.rule.fail(1, 1, "a fault", t.now, t.said);
  ASSERT_TRUE(t.said.dissolve);
  EXPECT_THAT(t.said.dissolve->members, ElementsAre(0, 2));
  t.said.clear();
  t.rule.released(1, 0, t.now, t.said);
  EXPECT_FALSE(t.said.name);

  t.rule.released(1, 2, t.now, t.said);

  ASSERT_TRUE(t.said.name);
  EXPECT_EQ(t.said.name->epoch, 2u);
}

TEST(ensemble_test, loses_whoever_does_not_let_go) {
  trial t;
  t.run();
  t.said.clear();
  t.rule.leave(0, 1, t.now, t.said);
  t.rule.released(1, 1, t.now, t.said);
  t.wake_at(2s);

  EXPECT_THAT(t.said.lost, ElementsAre(2));
  EXPECT_EQ(t.rule.present(), 1u);
}

TEST(ensemble_test, gives_up_after_epochs_that_came_to_nothing) {
  trial t;
  t.run();
  t.said.clear();
  for (member_id m = 0; m < 3; ++m)
    t.rule.fail(1, m, "no network", t.now, t.said);
  ASSERT_TRUE(t.said.name);
  t.said.clear();
  t.rule.fail(2, 1, "no network", t.now, t.said);

  ASSERT_TRUE(t.said.given_up);
  EXPECT_THAT(*t.said.given_up, HasSubstr("2 epochs in a row"));
  EXPECT_THAT(*t.said.given_up, HasSubstr("no network"));
}

TEST(ensemble_test, lets_newcomers_in_when_it_regroups) {
  trial t;
  t.join(0);
  t.join(1);
  t.wake_at(11s);
  t.join(2);
  EXPECT_FALSE(t.said.name);

  t.said.clear();
  t.rule.regroup(t.now, t.said);
  for (member_id m = 0; m < 2; ++m)
    t.rule.released(1, m, t.now, t.said);

  ASSERT_TRUE(t.said.name);
  t.rule.named(2, 0, {}, t.now, t.said);
  EXPECT_THAT(t.said.form->members, ElementsAre(0, 1, 2));
}

TEST(ensemble_test, begins_with_epochs_that_no_other_start_has_used) {
  EXPECT_EQ((ensemble{three(), 0}.epoch()), 0u);
  EXPECT_GT((ensemble{three(), 1}.epoch()), 1'000'000u);
}

TEST(ensemble_test, goes_on_from_a_saved_state_as_if_nothing_were) {
  trial t;
  t.run();
  t.declare(1, 0, 0);
  t.declare(1, 2, 3);
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  ASSERT_TRUE(sink.apply(t.rule));
  trial again;
  caf::binary_deserializer source{nullptr, bytes};
  ASSERT_TRUE(source.apply(again.rule));
  EXPECT_EQ(source.remaining(), 0u);

  EXPECT_EQ(again.declare(1, 0, 0), drop_reason::duplicate);
  t.wake_at(3s);
  again.wake_at(3s);

  ASSERT_TRUE(again.said.dissolve);
  EXPECT_EQ(again.said.dissolve->text, t.said.dissolve->text);
  EXPECT_EQ(again.said.wake, t.said.wake);
}

} // namespace
} // namespace troupe::collective
