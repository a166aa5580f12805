#include "protocols/publication/press.hpp"

#include <gtest/gtest.h>

#include "tests/protocols/publication/witness.hpp"

namespace troupe::publication {
namespace {

using namespace std::chrono_literals;

constexpr instant at(duration t) {
  return instant{} + t;
}

press started(press_options options = {}) {
  press result{options};
  orders out;
  result.start(at(0s), out);
  return result;
}

orders make(press& x, version_id version, duration t = 0s) {
  orders out;
  x.ask();
  x.made(version, at(t), out);
  return out;
}

TEST(press_test, opens_the_first_version_at_once) {
  press x{press_options{}};
  orders out;

  x.start(at(0s), out);

  EXPECT_EQ(out.open, opening::first);
  EXPECT_TRUE(x.is_open());
}

TEST(press_test, opens_after_a_score_that_may_be_the_target_already) {
  press x{{.version = 4,
      .scores = true,
      .score_first = true,
      .target_accuracy = 0.9}};
  orders out;
  x.start(at(0s), out);
  EXPECT_EQ(out.score, 4u);
  EXPECT_EQ(out.open, opening::none);

  out = {};
  x.scored(4, 0.5, at(1s), out);

  EXPECT_EQ(out.open, opening::first);
}

TEST(press_test, stores_a_version_and_opens_the_next) {
  auto x = started();

  const auto out = make(x, 1);

  EXPECT_EQ(out.store, 1u);
  EXPECT_EQ(out.open, opening::next);
}

TEST(press_test, lets_storing_take_a_twentieth_of_the_time) {
  auto x = started();
  make(x, 1);
  orders out;
  x.stored(1, 100ms, at(1s), out);

  EXPECT_EQ(make(x, 2, 1s).store, std::nullopt);
  EXPECT_EQ(x.due(), at(3s));
  out = {};
  x.wake(at(3s), out);

  EXPECT_EQ(out.store, 2u);
}

TEST(press_test, pauses_where_a_score_may_be_the_target) {
  auto x =
      started({.scores = true, .evaluate_every = 1, .target_accuracy = 0.9});

  EXPECT_EQ(make(x, 1).open, opening::none);
  orders out;
  x.scored(1, 0.3, at(1s), out);

  EXPECT_EQ(out.open, opening::next);
}

TEST(press_test, pauses_where_two_scores_are_missing) {
  auto x = started({.scores = true, .evaluate_every = 1});

  EXPECT_EQ(make(x, 1).open, opening::next);
  EXPECT_EQ(make(x, 2).open, opening::none);
}

TEST(press_test, says_that_the_target_is_reached) {
  auto x =
      started({.scores = true, .evaluate_every = 1, .target_accuracy = 0.9});
  make(x, 1);
  orders out;

  x.scored(1, 0.95, at(1s), out);

  EXPECT_TRUE(out.reached);
  EXPECT_EQ(out.open, opening::none);
}

TEST(press_test, stores_the_best_version_however_seldom_others_are) {
  auto x =
      started({.scores = true, .evaluate_every = 1, .checkpoint_every = 100});
  EXPECT_EQ(make(x, 1).store, std::nullopt);
  orders out;

  x.scored(1, 0.5, at(1s), out);

  EXPECT_EQ(out.store, 1u);
}

TEST(press_test, stores_no_version_behind_one_that_stays_without_a_score) {
  auto x = started({.scores = true, .evaluate_every = 1});
  EXPECT_EQ(make(x, 1).store, 1u);
  make(x, 2);
  orders out;

  x.unscored(1, at(1s), out);
  x.stored(1, 0ms, at(1s), out);
  x.end(finish::stopped, at(1s), out);

  EXPECT_EQ(out.store, std::nullopt);
}

TEST(press_test, scores_and_stores_the_last_version_at_the_end) {
  auto x = started({.scores = true, .checkpoint_every = 100});
  make(x, 1);
  orders out;

  x.end(finish::completed, at(1s), out);
  EXPECT_EQ(out.score, 1u);
  EXPECT_EQ(out.store, 1u);
  EXPECT_FALSE(x.idle());
  x.scored(1, 0.5, at(2s), out);
  x.stored(1, 0ms, at(2s), out);

  EXPECT_TRUE(x.idle());
}

TEST(press_test, calls_scores_off_when_their_time_is_over) {
  auto x = started({.scores = true, .evaluate_every = 1});
  make(x, 1);
  orders out;
  x.end(finish::stopped, at(1s), out);
  x.bound_scores(at(2s));
  EXPECT_EQ(x.due(), at(2s));

  x.wake(at(2s), out);

  EXPECT_TRUE(out.call_off);
  EXPECT_EQ(x.called_off(), at(2s));
}

TEST(press_test, waits_for_no_disk_that_is_lost) {
  auto x = started();
  make(x, 1);
  orders out;

  x.lose_storage();
  x.end(finish::stopped, at(1s), out);

  EXPECT_TRUE(x.idle());
  EXPECT_EQ(out.store, std::nullopt);
}

// Presses with one fault each; the witness has to find every one.

struct stores_ahead : press {
  using press::press;
  void made(version_id version, instant now, orders& out) {
    press::made(version, now, out);
    if (!storing_.contains(version) && needs(version))
      out.store = version;
  }
  std::set<version_id> storing_;
};

struct forgets_to_open : press {
  using press::press;
  void scored(version_id version, double accuracy, instant now, orders& out) {
    press::scored(version, accuracy, now, out);
    if (out.open != opening::none) {
      out.open = opening::none;
      ask();
    }
  }
};

struct piles_up : press {
  using press::press;
  void made(version_id version, instant now, orders& out) {
    press::made(version, now, out);
    if (out.open == opening::none && out.score)
      out.open = opening::next;
  }
};

struct scores_twice : press {
  using press::press;
  void scored(version_id version, double accuracy, instant now, orders& out) {
    press::scored(version, accuracy, now, out);
    out.score = version;
  }
};

struct loses_the_last : press {
  using press::press;
  void end(finish how, instant now, orders& out) {
    press::end(how, now, out);
    out.store.reset();
    lose_storage();
  }
};

struct drops_states : press {
  using press::press;
  bool needs(version_id version) const {
    return press::needs(version) && version % 2 == 0;
  }
};

struct is_never_through : press {
  using press::press;
  bool idle() const noexcept { return press::idle() && best_version() == 0; }
};

constexpr std::uint64_t histories = 10'000;

template <class Press>
bool is_found(const std::string& words) {
  for (std::uint64_t seed = 0; seed < 500; ++seed)
    if (history<Press>{seed}.run().find(words) != std::string::npos)
      return true;
  return false;
}

TEST(press_histories_test, keep_every_promise) {
  for (std::uint64_t seed = 0; seed < histories; ++seed)
    ASSERT_EQ(history<press>{seed}.run(), "") << "seed " << seed;
}

TEST(press_histories_test, find_every_broken_twin) {
  EXPECT_TRUE(is_found<stores_ahead>("ahead of a score"));
  EXPECT_TRUE(is_found<forgets_to_open>("does not open"));
  EXPECT_TRUE(is_found<piles_up>("may be the last"));
  EXPECT_TRUE(is_found<scores_twice>("scored twice"));
  EXPECT_TRUE(is_found<loses_the_last>("the last one unstored"));
  EXPECT_TRUE(is_found<drops_states>("whose state is gone"));
  EXPECT_TRUE(is_found<is_never_through>("is never idle"));
}

} // namespace
} // namespace troupe::publication
