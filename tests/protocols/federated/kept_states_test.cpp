#include "protocols/federated/kept_states.hpp"

#include <gmock/gmock.h>

#include "tests/protocols/federated/kept_history.hpp"

namespace troupe::federated {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(kept_states_test, keeps_the_durable_state_and_those_after_it) {
  kept_states x{{4, 7, 9}};

  EXPECT_TRUE(x.settled(7));

  EXPECT_THAT(x.take_dropped(), ElementsAre(4));
  EXPECT_THAT(x.all(), ElementsAre(7, 9));
  EXPECT_THAT(x.take_dropped(), IsEmpty());
}

TEST(kept_states_test, goes_back_to_where_a_run_goes_on) {
  kept_states x{{4, 7, 9}};

  EXPECT_TRUE(x.recalled(4));

  EXPECT_THAT(x.take_dropped(), ElementsAre(7, 9));
  EXPECT_TRUE(x.holds(4));
}

TEST(kept_states_test, begins_with_nothing) {
  kept_states x;
  EXPECT_TRUE(x.settled(no_state));
  EXPECT_TRUE(x.recalled(no_state));
  x.left(2);

  EXPECT_TRUE(x.settled(no_state));
  EXPECT_THAT(x.take_dropped(), IsEmpty());
  EXPECT_TRUE(x.recalled(no_state));

  EXPECT_THAT(x.take_dropped(), ElementsAre(2));
}

TEST(kept_states_test, lacks_what_is_gone_and_drops_nothing_for_it) {
  kept_states x{{4, 9}};

  EXPECT_FALSE(x.settled(7));
  EXPECT_FALSE(x.recalled(7));

  EXPECT_THAT(x.all(), ElementsAre(4, 9));
  EXPECT_THAT(x.take_dropped(), IsEmpty());
}

// With one fault each; the witness has to find every one.

struct keeps_the_newest : kept_states {
  using kept_states::kept_states;
  void left(state_name name) {
    settled(all().empty() ? no_state : *all().rbegin());
    kept_states::left(name);
  }
};

struct forgets_what_it_was_told : kept_states {
  using kept_states::kept_states;
  bool settled(state_name name) { return holds(name); }
};

struct forgets_the_durable_one : kept_states {
  using kept_states::kept_states;
  bool recalled(state_name name) {
    return kept_states::recalled(name) && kept_states::settled(name);
  }
};

struct never_goes_back : kept_states {
  using kept_states::kept_states;
  bool recalled(state_name name) { return holds(name); }
};

struct settles_too_much : kept_states {
  using kept_states::kept_states;
  bool settled(state_name name) {
    const auto held = holds(name);
    kept_states::settled(name + 1);
    if (held && name != no_state && !all().empty())
      kept_states::settled(*all().rbegin());
    return held;
  }
};

template <class Kept>
bool is_found(const std::string& fault) {
  for (std::uint64_t seed = 0; seed < 500; ++seed)
    if (kept_history<Kept>{seed}.run() == fault)
      return true;
  return false;
}

TEST(kept_states_histories_test, keep_every_promise) {
  std::uint64_t rollbacks = 0;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    kept_history<kept_states> one{seed};
    ASSERT_EQ(one.run(), "") << "seed " << seed;
    rollbacks += one.rollbacks();
  }
  EXPECT_GT(rollbacks, 10'000u);
}

TEST(kept_states_histories_test, find_every_broken_twin) {
  EXPECT_TRUE(is_found<keeps_the_newest>("lacks the durable state"));
  EXPECT_TRUE(is_found<forgets_what_it_was_told>("keeps what is settled"));
  EXPECT_TRUE(is_found<forgets_the_durable_one>("lacks the durable state"));
  EXPECT_TRUE(is_found<never_goes_back>("keeps what is void"));
  EXPECT_TRUE(is_found<settles_too_much>("lacks a state to train from"));
}

} // namespace
} // namespace troupe::federated
