#include "protocols/timer.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <gtest/gtest.h>

#include "protocols/run.hpp"
#include "tests/support/rehearsal.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;

using sleeper = caf::typed_actor<caf::result<void>(tick)>;

// Does to its timer what the test says, and notes when it rang.
class sleeper_state {
public:
  static inline const char* name = "troupe.sleeper";
  struct notes {
    sleeper::pointer self = nullptr;
    timer<tick> clock;
    std::vector<instant> rang;
    int messages = 0;
  };
  sleeper_state(sleeper::pointer self, notes* into) : into_(into) {
    into_->self = self;
  }
  sleeper::behavior_type make_behavior() {
    return {[this](tick what) {
      ++into_->messages;
      if (into_->clock.rang(into_->self, what.turn))
        into_->rang.push_back(clock_now(into_->self));
    }};
  }

private:
  notes* into_;
};

struct timer_test : testing::Test {
  rehearsal stage;
  sleeper_state::notes seen;
  sleeper self;
  instant start{};

  timer_test() {
    self = stage.system().spawn<sleeper::stateful_impl<sleeper_state>>(&seen);
    stage.run();
    start = clock_now(seen.self);
  }
  ~timer_test() override {
    caf::anon_send_exit(self, caf::exit_reason::user_shutdown);
  }
  void set(duration when) { seen.clock.set(seen.self, start + when); }
  void set_by(duration when) { seen.clock.set_by(seen.self, start + when); }
  std::vector<duration> rang() {
    std::vector<duration> result;
    for (auto each : seen.rang)
      result.push_back(each - start);
    return result;
  }
};

TEST_F(timer_test, rings_once_at_its_time) {
  set(3s);
  for (int i = 0; i < 10; ++i)
    stage.pass(1s);

  EXPECT_EQ(rang(), std::vector<duration>{3s});
}

TEST_F(timer_test, rings_at_a_nearer_time_and_not_at_the_one_before) {
  set(9s);
  set(2s);
  for (int i = 0; i < 20; ++i)
    stage.pass(1s);

  EXPECT_EQ(rang(), std::vector<duration>{2s});
  EXPECT_EQ(seen.messages, 1);
}

TEST_F(timer_test, rings_at_a_later_time_and_not_at_the_one_before) {
  set(2s);
  set(9s);
  for (int i = 0; i < 20; ++i)
    stage.pass(1s);

  EXPECT_EQ(rang(), std::vector<duration>{9s});
}

TEST_F(timer_test, rings_at_the_nearest_of_all_times_that_it_was_set_by) {
  set_by(9s);
  set_by(4s);
  set_by(6s);
  for (int i = 0; i < 20; ++i)
    stage.pass(1s);

  EXPECT_EQ(rang(), std::vector<duration>{4s});
}

TEST_F(timer_test, rings_no_more_once_it_is_set_to_no_time) {
  set(2s);
  seen.clock.set(seen.self, std::nullopt);
  for (int i = 0; i < 5; ++i)
    stage.pass(1s);

  EXPECT_TRUE(rang().empty());
}

TEST_F(timer_test, rings_at_once_at_a_time_that_has_gone_by) {
  stage.pass(5s);
  set(1s);
  stage.pass(0s);

  EXPECT_EQ(rang(), std::vector<duration>{5s});
}

TEST_F(timer_test, takes_no_message_of_an_old_turn) {
  set(2s);
  stage.pass(5s);
  set(9s);
  stage.tell(self, tick{1});

  EXPECT_EQ(rang().size(), 1u);
}

TEST_F(timer_test, has_one_message_on_its_way_whatever_it_is_set_to) {
  for (int round = 0; round < 50; ++round) {
    auto now = clock_now(seen.self) - start;
    for (auto wish : {3600s, 60s, 1s, 30s, 2s})
      set(now + wish);
    set_by(now + 100ms);
    EXPECT_LE(stage.pending(), 1u);
    stage.pass(100ms);
  }

  EXPECT_EQ(seen.rang.size(), 50u);
  EXPECT_EQ(seen.messages, 50);
}

} // namespace
} // namespace troupe::tests
