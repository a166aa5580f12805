#include "protocols/clocks/ssp.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "protocols/clocks/samples.hpp"
#include "tests/protocols/clocks/saved.hpp"

namespace troupe::clocks {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A rule under test, with what it said to the last event in `said`.
struct trial {
  trial(std::uint64_t staleness, worker_id workers) : rule(staleness) {
    for (worker_id w = 0; w < workers; ++w)
      join(w);
  }

  turn join(worker_id worker) {
    said.clear();
    return next[worker] = rule.join(worker, said);
  }
  bool die(worker_id worker) {
    said.clear();
    return rule.die(worker, next[worker].life, said);
  }
  drop_reason ask(worker_id worker) {
    said.clear();
    return rule.ask(next[worker], said);
  }
  verdict finish(worker_id worker) {
    said.clear();
    const auto answer = rule.finish(next[worker], said);
    next[worker].step += answer.accepted() ? 1 : 0;
    return answer;
  }
  void walk(worker_id worker, step_id steps) {
    for (; steps > 0; --steps) {
      ask(worker);
      ASSERT_TRUE(finish(worker).accepted());
    }
  }
  std::vector<worker_id> begun() const {
    std::vector<worker_id> result;
    for (const auto& each : said.begun)
      result.push_back(each.what.worker);
    return result;
  }

  ssp rule;
  decisions said;
  std::map<worker_id, turn> next;
};

} // namespace

TEST(ssp_test, waits_with_s_0_until_everybody_has_finished_the_step) {
  trial t{0, 2};
  t.walk(0, 1);

  t.ask(0);
  EXPECT_THAT(t.begun(), IsEmpty());
  t.ask(1);
  EXPECT_THAT(t.begun(), ElementsAre(1));
  t.finish(1);

  EXPECT_THAT(t.begun(), ElementsAre(0));
  EXPECT_EQ(t.said.closed, 1);
  EXPECT_EQ(t.said.begun[0].what.step, 1);
}

TEST(ssp_test, lets_a_worker_be_s_steps_ahead_and_no_more) {
  trial t{2, 2};

  t.walk(0, 3);
  t.ask(0);
  EXPECT_THAT(t.begun(), IsEmpty());
  t.walk(1, 1);

  EXPECT_THAT(t.begun(), ElementsAre(0));
}

TEST(ssp_test, never_waits_unbounded) {
  trial t{ssp::unbounded, 2};

  t.walk(0, 1000);

  EXPECT_EQ(t.rule.clock(0), 1000);
  EXPECT_EQ(t.rule.slowest(), 0);
}

TEST(ssp_test, shows_a_clocks_updates_together_with_s_0) {
  trial t{0, 2};
  t.ask(1);
  t.finish(1);

  t.ask(0);

  ASSERT_THAT(t.begun(), ElementsAre(0));
  EXPECT_FALSE(t.said.begun[0].sees.reads(0, 0));
  t.finish(0);
  t.ask(0);
  EXPECT_TRUE(t.said.begun[0].sees.reads(0, 0));
  EXPECT_TRUE(t.said.begun[0].sees.reads(0, 1));
}

TEST(ssp_test, shows_whatever_is_in_with_s_above_0) {
  trial t{1, 2};
  t.ask(1);
  const auto number = t.finish(1).number;

  t.ask(0);

  ASSERT_THAT(t.begun(), ElementsAre(0));
  EXPECT_TRUE(t.said.begun[0].sees.reads(0, number));
  EXPECT_FALSE(t.said.begun[0].sees.reads(0, number + 1));
}

TEST(ssp_test, releases_whoever_waits_when_the_slowest_dies) {
  trial t{0, 3};
  for (worker_id w : {2u, 0u}) {
    t.walk(w, 1);
    t.ask(w);
  }

  EXPECT_TRUE(t.die(1));

  EXPECT_THAT(t.begun(), ElementsAre(0, 2));
  EXPECT_EQ(t.said.closed, 1);
}

TEST(ssp_test, counts_what_was_handed_in_before_a_death_and_nothing_later) {
  trial t{0, 2};
  t.walk(1, 1);
  t.walk(0, 1);
  t.ask(1);

  t.die(1);

  EXPECT_EQ(t.finish(1).why, drop_reason::late);
  EXPECT_EQ(t.rule.counted(), 2);
}

TEST(ssp_test, has_a_joiner_start_at_the_slowest_clock) {
  trial t{3, 2};
  t.walk(0, 4);
  t.walk(1, 2);

  EXPECT_EQ(t.join(7).step, 2);
  EXPECT_EQ(t.rule.clock(7), 2);
}

TEST(ssp_test, has_nobody_do_a_step_twice_who_comes_back) {
  trial t{3, 2};
  t.walk(0, 3);
  t.ask(0);

  t.die(0);

  EXPECT_EQ(t.join(0).step, 3);
  t.walk(1, 5);
  t.die(1);
  EXPECT_EQ(t.join(1).step, 5);
}

TEST(ssp_test, takes_a_join_of_whoever_lives_for_another_life) {
  trial t{0, 2};
  t.walk(0, 1);
  t.ask(0);
  t.ask(1);
  const auto old = t.next[1];

  const auto place = t.join(1);

  EXPECT_EQ(place.step, 1) << "nobody waited for the one that it was in";
  EXPECT_THAT(t.begun(), ElementsAre(0));
  EXPECT_EQ(t.rule.finish(old, t.said).why, drop_reason::late);
  EXPECT_FALSE(t.rule.die(1, old.life, t.said));
  EXPECT_TRUE(t.rule.living(1));
}

TEST(ssp_test, drops_by_name_what_is_unknown_or_comes_twice) {
  trial t{1, 1};
  EXPECT_EQ(t.finish(0).why, drop_reason::unknown) << "it has not begun";
  EXPECT_EQ(t.ask(0), drop_reason::none);
  EXPECT_EQ(t.ask(0), drop_reason::duplicate);
  const auto first = t.next[0];
  t.finish(0);

  EXPECT_EQ(t.rule.finish(first, t.said).why, drop_reason::duplicate);
  EXPECT_EQ(t.rule.ask(first, t.said), drop_reason::duplicate);
  EXPECT_EQ(t.rule.ask({0, first.life, 2}, t.said), drop_reason::unknown);
  EXPECT_EQ(t.rule.ask({0, first.life + 1, 1}, t.said), drop_reason::unknown);
  EXPECT_EQ(t.rule.ask({9, first.life, 0}, t.said), drop_reason::unknown);
  EXPECT_FALSE(t.rule.die(9, 0, t.said));
}

TEST(ssp_test, stays_where_it_was_while_nobody_is_there) {
  trial t{3, 2};
  t.walk(0, 2);
  t.walk(1, 1);

  t.die(1);
  EXPECT_EQ(t.said.closed, 2);
  t.die(0);

  EXPECT_EQ(t.rule.slowest(), 2);
  EXPECT_EQ(t.join(9).step, 2);
}

TEST(ssp_test, goes_on_in_a_new_process_where_everybody_was) {
  trial t{3, 2};
  t.walk(0, 3);
  t.walk(1, 1);
  const auto lives = t.next;

  t.rule = reloaded(t.rule);
  t.rule.resume(1);

  EXPECT_FALSE(t.rule.living(0) || t.rule.living(1));
  EXPECT_EQ(t.join(0).step, 3);
  EXPECT_EQ(t.join(1).step, 1);
  EXPECT_EQ(t.rule.ask(lives.at(0), t.said), drop_reason::late);
  t.ask(0);
  EXPECT_THAT(t.begun(), ElementsAre(0));
  EXPECT_EQ(t.rule.slowest(), 1);
}

TEST(ssp_test, refuses_bytes_that_no_rule_has_saved) {
  struct forged : ssp {
    using ssp::ssp;
    void fall_behind() { slowest_ = 1; }
    void forget_lives() { lives_ = 0; }
    void run_ahead() {
      workers_.at(0).clock = 2;
      workers_.at(0).at = state::running;
    }
    void wait_in_vain() { workers_.at(0).at = state::waiting; }
  };
  const auto taken = [](void (forged::*fault)()) {
    forged rule{1};
    decisions out;
    rule.join(0, out);
    (rule.*fault)();
    ssp into;
    return load(save(rule), into);
  };

  EXPECT_FALSE(taken(&forged::fall_behind));
  EXPECT_FALSE(taken(&forged::forget_lives));
  EXPECT_FALSE(taken(&forged::run_ahead));
  EXPECT_FALSE(taken(&forged::wait_in_vain));
  auto bytes = save(ssp{1});
  bytes.pop_back();
  ssp into;
  EXPECT_FALSE(load(bytes, into));
}

TEST(ssp_test, forgets_what_was_in_the_rule_it_is_loaded_into) {
  trial t{3, 2};
  t.walk(0, 2);
  t.ask(0);

  ASSERT_TRUE(load(save(ssp{1}), t.rule));

  EXPECT_EQ(t.rule.staleness(), 1);
  EXPECT_EQ(t.join(5).step, 0);
  EXPECT_EQ(t.ask(5), drop_reason::none);
  EXPECT_THAT(t.begun(), ElementsAre(5));
}

TEST(samples_test, are_drawn_by_seed_worker_and_clock) {
  std::set<std::uint32_t> firsts;
  for (std::uint64_t seed : {1u, 2u})
    for (worker_id worker : {0u, 1u})
      for (step_id step : {0u, 1u}) {
        firsts.insert(samples_of(seed, worker, step).next());
        firsts.insert(
            gpu::random_stream{seed, gpu::stream::train, worker, step}.next());
      }

  EXPECT_EQ(firsts.size(), 16);
  EXPECT_EQ(samples_of(1, 2, 3).next(), samples_of(1, 2, 3).next());
}

} // namespace troupe::clocks
