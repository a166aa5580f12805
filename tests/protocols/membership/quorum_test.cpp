#include "protocols/membership/quorum.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/random.hpp"
#include "tests/protocols/membership/nodes.hpp"

namespace troupe::membership {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::Eq;

quorum of(std::size_t wanted, resort then = resort::fail) {
  return quorum{{wanted, wanted, 10s, then}};
}

TEST(quorum_test, holds_at_once_where_nobody_is_wanted) {
  auto x = of(0);
  EXPECT_FALSE(x.holds()) << "it has not begun";

  x.begin(at(0));

  EXPECT_TRUE(x.holds());
  EXPECT_EQ(x.take_news(), std::nullopt);
  EXPECT_EQ(x.due(), std::nullopt);
}

TEST(quorum_test, holds_once_all_are_there_and_no_longer) {
  auto x = of(2);
  x.begin(at(0));
  EXPECT_EQ(x.take_news(), (quorum::news{false, 0, 2, ""}));

  x.joined("alpha", at(1));
  EXPECT_EQ(x.take_news(), (quorum::news{false, 1, 2, ""}));
  x.joined("beta", at(2));
  EXPECT_TRUE(x.holds());
  EXPECT_EQ(x.take_news(), (quorum::news{true, 2, 2, ""}));
  EXPECT_EQ(x.due(), std::nullopt);
  x.joined("gamma", at(3));
  EXPECT_EQ(x.take_news(), std::nullopt);

  x.gone("alpha", at(4));
  EXPECT_TRUE(x.holds());
  EXPECT_EQ(x.take_news(), std::nullopt);
  x.gone("gamma", at(5));
  EXPECT_FALSE(x.holds());
  EXPECT_EQ(x.take_news(), (quorum::news{false, 1, 2, "alpha, gamma"}));
  EXPECT_EQ(x.due(), at(15));
}

TEST(quorum_test, may_need_fewer_to_go_on_than_to_begin) {
  quorum x{{3, 1, 10s, resort::fail}};
  x.begin(at(0));
  x.joined("alpha", at(1));
  x.joined("beta", at(1));
  EXPECT_FALSE(x.holds());
  x.joined("gamma", at(1));
  EXPECT_TRUE(x.holds());

  x.gone("alpha", at(2));
  x.gone("beta", at(2));
  EXPECT_TRUE(x.holds());
  x.gone("gamma", at(2));

  EXPECT_FALSE(x.holds());
  EXPECT_EQ(x.now().wanted, 1u);
}

TEST(quorum_test, counts_nobody_twice) {
  auto x = of(2);
  x.begin(at(0));

  x.joined("alpha", at(1));
  x.joined("alpha", at(1));
  EXPECT_FALSE(x.holds());
  x.gone("beta", at(1));
  x.joined("beta", at(1));

  EXPECT_TRUE(x.holds());
  x.gone("beta", at(2));
  x.gone("beta", at(2));
  EXPECT_EQ(x.now(), (quorum::news{false, 1, 2, "beta"}));
}

TEST(quorum_test, has_patience_from_when_there_were_too_few) {
  auto x = of(2);
  x.begin(at(0));
  x.joined("alpha", at(4));
  x.gone("alpha", at(6));

  EXPECT_EQ(x.due(), at(10));
  EXPECT_EQ(x.wake(at(10) - duration{1}), std::nullopt);
  EXPECT_EQ(x.wake(at(10)), resort::fail);
  EXPECT_EQ(x.wake(at(20)), std::nullopt) << "it says so once";
  x.joined("alpha", at(21));
  x.joined("beta", at(21));
  EXPECT_FALSE(x.holds());
}

TEST(quorum_test, goes_on_with_those_who_are_there_if_it_is_to) {
  auto x = of(3, resort::go_on);
  x.begin(at(0));
  x.joined("alpha", at(1));
  x.joined("beta", at(1));
  x.take_news();

  EXPECT_EQ(x.wake(at(10)), resort::go_on);

  EXPECT_TRUE(x.holds());
  EXPECT_EQ(x.take_news(), (quorum::news{true, 2, 2, ""}));
  x.gone("beta", at(11));
  EXPECT_FALSE(x.holds()) << "two are the quorum from then on";
  EXPECT_EQ(x.wake(at(21)), resort::go_on);
  EXPECT_TRUE(x.holds());
}

TEST(quorum_test, names_the_last_ones_of_many_that_went) {
  auto x = of(20);
  x.begin(at(0));
  for (int i = 0; i < 12; ++i) {
    x.joined("n" + std::to_string(i), at(1));
    x.gone("n" + std::to_string(i), at(2));
  }

  EXPECT_EQ(x.now().whom, "n4, n5, n6, n7, n8, n9, n10, n11");
}

TEST(quorum_test, knows_what_may_come_after_patience_by_name) {
  for (auto how : {resort::fail, resort::interrupt, resort::go_on})
    EXPECT_EQ(to_resort(to_string(how)), how);
  EXPECT_EQ(to_resort("stop"), std::nullopt);
}

/// One random life of a run's nodes, and what holds in all of them:
///
/// - Leases may be handed out exactly while as many are there as are wanted,
///   from its begin on and until its patience was over.
/// - Patience ends as long behind the moment from which on there were too few
/// as
///   it is, and never before; it ends once.
/// - Whoever is told in order knows how it stands.
template <class Rule>
std::string breach_of(std::uint64_t seed) {
  gpu::random_stream random{seed, gpu::stream::user};
  const auto draw = [&](std::uint32_t n) { return random.below(n); };
  const auto wanted = draw(4);
  quorum_options how{wanted, draw(wanted + 1), 1s * draw(20), resort(draw(3))};
  std::size_t needed = wanted;
  Rule rule{how};
  std::set<std::string> there;
  std::optional<instant> few_since;
  std::optional<quorum::news> told;
  instant now{};
  bool begun = false, spent = false;
  for (int i = 0; i < 60; ++i) {
    now += 1s * draw(5);
    const std::string name(1, char('a' + draw(5)));
    const auto what = draw(10);
    std::optional<resort> ended;
    if (what == 0 || i == 20) {
      rule.begin(now);
      begun = true;
    } else if (what < 4) {
      rule.joined(name, now);
      there.insert(name);
    } else if (what < 7) {
      rule.gone(name, now);
      there.erase(name);
    } else {
      ended = rule.wake(now);
      const bool due =
          begun && !spent && few_since && now >= *few_since + how.patience;
      if (ended.has_value() != due)
        return "patience did not end when it was over";
      if (due && ended != how.then)
        return "it ended otherwise than it was to";
      if (due && how.then == resort::go_on)
        needed = how.least = std::min(how.least, there.size());
      else if (due)
        spent = true;
    }
    const bool enough = there.size() >= needed;
    if (begun && enough && !spent)
      needed = how.least;
    if (enough || spent || !begun)
      few_since.reset();
    else if (!few_since)
      few_since = now;
    if (rule.holds() != (begun && enough && !spent))
      return "leases are handed out though nodes are missing, or not at all";
    if (rule.due() !=
        (few_since ? std::optional{*few_since + how.patience} : std::nullopt))
      return "it is due at another time than its patience ends";
    if (const auto news = rule.take_news())
      told = news;
    const bool short_now = begun && !enough && !spent;
    if (short_now && (!told || told->holds || told->have != there.size()))
      return "nobody was told for whom it waits";
    if (begun && enough && !spent && told && !told->holds)
      return "nobody was told that it goes on";
  }
  return {};
}

template <class Rule>
std::string first_breach() {
  for (std::uint64_t seed = 0; seed < 10'000; ++seed)
    if (auto breach = breach_of<Rule>(seed); !breach.empty())
      return breach;
  return {};
}

TEST(quorum_test, keeps_every_law) {
  EXPECT_EQ(first_breach<quorum>(), "");
}

/// Looks for its nodes at the start alone.
struct looks_once : quorum {
  using quorum::quorum;
  void gone(const std::string& node, instant now) {
    if (!holds())
      quorum::gone(node, now);
  }
};

/// Has all its patience again whenever somebody comes or goes.
struct forgives : quorum {
  using quorum::quorum;
  void joined(const std::string& node, instant now) {
    quorum::joined(node, now);
    if (due_)
      due_ = now + how_.patience;
  }
};

/// Needs as many to go on as to begin.
struct is_never_content : quorum {
  using quorum::quorum;
  void joined(const std::string& node, instant now) {
    const auto needed = needed_;
    quorum::joined(node, now);
    needed_ = needed;
  }
};

/// Counts each that joins, again and again.
struct counts_twice : quorum {
  using quorum::quorum;
  void joined(const std::string& node, instant now) {
    quorum::joined(there_.contains(node) ? node + "'" : node, now);
  }
};

/// Waits without a word.
struct says_nothing : quorum {
  using quorum::quorum;
  std::optional<news> take_news() {
    auto what = quorum::take_news();
    return what && what->holds ? what : std::nullopt;
  }
};

/// Goes on with those who are there, and forgets that these are enough.
struct goes_on_in_vain : quorum {
  using quorum::quorum;
  std::optional<resort> wake(instant now) {
    const auto needed = needed_;
    auto how = quorum::wake(now);
    needed_ = needed;
    return how;
  }
};

TEST(quorum_test, finds_every_broken_one) {
  EXPECT_THAT(first_breach<looks_once>(),
      AnyOf(Eq("leases are handed out though nodes are missing, or not at all"),
          Eq("it is due at another time than its patience ends")));
  EXPECT_EQ(first_breach<forgives>(),
      "it is due at another time than its patience ends");
  EXPECT_EQ(first_breach<is_never_content>(),
      "leases are handed out though nodes are missing, or not at all");
  EXPECT_EQ(first_breach<counts_twice>(),
      "leases are handed out though nodes are missing, or not at all");
  EXPECT_EQ(first_breach<says_nothing>(), "nobody was told for whom it waits");
  EXPECT_EQ(first_breach<goes_on_in_vain>(),
      "leases are handed out though nodes are missing, or not at all");
}

} // namespace
} // namespace troupe::membership
