#include "protocols/cluster/kept_updates.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"
#include "tests/protocols/cluster/kept_history.hpp"

namespace troupe::cluster::tests {
namespace {

training_order an_order() {
  return {
      3, 7, 2, gpu::device_kind::cpu, numbers(1.0f, 2.0f), numbers(5.0f, 0.0f)};
}
trained an_update() {
  trained result;
  result.lease = 100;
  result.base = 7;
  result.outcome = {10, 2, 0.5};
  result.delta = tensor{numbers(0.5f, 0.25f)};
  result.state = tensor{numbers(6.0f, 0.0f)};
  return result;
}
constexpr std::size_t plenty = 1 << 20;
constexpr std::size_t block = 2 * sizeof(float);

TEST(kept_updates_test, hands_in_what_came_of_the_same_order) {
  kept_updates kept{plenty};
  kept.keep(an_order(), an_update());

  const auto found = kept.find(an_order());

  ASSERT_TRUE(found);
  EXPECT_EQ(found->delta.here->span()[0], 0.5f);
  EXPECT_EQ(found->state.value().here->span()[0], 6.0f);
  EXPECT_EQ(found->outcome.steps, 2u);
}

TEST(kept_updates_test, hands_in_nothing_for_another_order) {
  using change = std::function<void(training_order&)>;
  kept_updates kept{plenty};
  kept.keep(an_order(), an_update());
  for (const auto& make : {change{[](auto& x) { x.client = 4; }},
           change{[](auto& x) { x.base = 8; }},
           change{[](auto& x) { x.work = 3; }},
           change{[](auto& x) { x.kind = gpu::device_kind::cuda; }},
           change{[](auto& x) { x.parameters = numbers(1.0f, 2.5f); }},
           change{[](auto& x) { x.parameters = numbers(1.5f, 2.0f); }},
           change{[](auto& x) { x.state = numbers(6.0f, 0.0f); }},
           change{[](auto& x) { x.state.reset(); }},
           change{[](auto& x) { x.variate = numbers(0.0f, 0.0f); }}}) {
    auto other = an_order();
    make(other);

    EXPECT_FALSE(kept.find(other));
  }
  EXPECT_TRUE(kept.find(an_order()));
}

TEST(kept_updates_test, keeps_nothing_that_was_stopped_midway) {
  kept_updates kept{plenty};
  auto partial = an_update();
  partial.outcome.partial = true;

  kept.keep(an_order(), partial);

  EXPECT_EQ(kept.size(), 0u);
}

TEST(kept_updates_test, keeps_the_last_update_of_a_client_and_base) {
  kept_updates kept{plenty};
  kept.keep(an_order(), an_update());
  auto other = an_order();
  other.parameters = numbers(9.0f, 9.0f);

  kept.keep(other, an_update());

  EXPECT_EQ(kept.size(), 1u);
  EXPECT_TRUE(kept.find(other));
  EXPECT_FALSE(kept.find(an_order()));
}

TEST(kept_updates_test, forgets_what_a_durable_version_makes_needless) {
  kept_updates kept{plenty};
  for (version_id base = 5; base < 9; ++base) {
    auto order = an_order();
    order.base = base;
    kept.keep(order, an_update());
  }

  kept.forget_before(7);

  EXPECT_EQ(kept.size(), 2u);
  EXPECT_TRUE(kept.find(an_order()));
}

TEST(kept_updates_test, counts_a_version_once) {
  kept_updates kept{plenty};
  const auto base = numbers(1.0f, 2.0f);
  for (client_id c = 0; c < 3; ++c) {
    auto order = an_order();
    order.client = c;
    order.parameters = base;
    kept.keep(order, an_update());
  }

  EXPECT_EQ(kept.bytes(), (1 + 3 * 3) * block);
}

TEST(kept_updates_test, counts_what_it_holds_through_all_that_comes_and_goes) {
  kept_updates kept{plenty};
  const auto one = numbers(1.0f, 2.0f), same = numbers(1.0f, 2.0f);
  const auto of = [](client_id c, const gpu::shared_buffer& base) {
    auto order = an_order();
    order.client = c;
    order.parameters = base;
    return order;
  };
  kept.keep(of(0, one), an_update());
  kept.keep(of(1, one), an_update());
  kept.keep(of(2, same), an_update());
  EXPECT_EQ(kept.bytes(), (2 + 3 * 3) * block);

  kept.keep(of(1, same), an_update());
  EXPECT_EQ(kept.bytes(), (2 + 3 * 3) * block);
  EXPECT_TRUE(kept.find(of(0, same)));
  EXPECT_EQ(kept.bytes(), (1 + 3 * 3) * block);
  kept.forget_before(8);
  EXPECT_EQ(kept.bytes(), 0u);
}

// A coordinator that comes back asks for the oldest first.
TEST(kept_updates_test, keeps_what_came_first_while_it_is_full) {
  kept_updates kept{(1 + 2 * 3) * block};
  const auto base = numbers(1.0f, 2.0f);
  const auto of = [&](client_id c) {
    auto order = an_order();
    order.client = c;
    order.parameters = base;
    return order;
  };
  for (client_id c = 0; c < 4; ++c)
    kept.keep(of(c), an_update());

  EXPECT_TRUE(kept.find(of(0)));
  EXPECT_TRUE(kept.find(of(1)));
  EXPECT_FALSE(kept.find(of(2)));
  EXPECT_LE(kept.bytes(), (1 + 2 * 3) * block);
}

// Histories.

federated::rule in_rounds() {
  return federated::fedavg{{.seed = 5, .rounds = 4}, 0.7};
}
federated::rule as_they_come() {
  return federated::fedbuff{{.seed = 5, .rounds = 5}, 2, 3, 20};
}

constexpr std::uint64_t histories = 10'000;
constexpr std::size_t longest = 20'000;

struct verdict {
  std::string problem;
  std::uint64_t handed_in = 0;
  std::uint64_t trained_twice = 0;
  std::uint64_t unlike = 0; ///< models that are not the undisturbed one
  std::uint64_t unfinished = 0;
};

template <class Kept>
verdict tried(const federated::rule& rule, const mishaps& what,
    std::uint64_t count = histories) {
  kept_history<Kept> undisturbed{rule, 4, 1, 0, {0, 0, 0, 0}};
  undisturbed.play(longest);
  EXPECT_TRUE(undisturbed.done());
  verdict result;
  for (std::uint64_t seed = 0; seed < count && result.problem.empty(); ++seed) {
    kept_history<Kept> one{rule, 4, 1 + seed % 3, seed, what};
    one.play(longest);
    result.problem = one.problem();
    result.handed_in += one.handed_in();
    result.trained_twice += one.trained_twice();
    result.unfinished += !one.done();
    result.unlike += one.done() && one.model() != undisturbed.model();
  }
  return result;
}

TEST(kept_histories_test, end_with_the_undisturbed_model_and_train_once) {
  const auto found = tried<kept_updates>(in_rounds(), {});

  EXPECT_EQ(found.problem, "");
  EXPECT_EQ(found.unlike, 0u);
  EXPECT_EQ(found.unfinished, 0u);
  EXPECT_EQ(found.trained_twice, 0u);
  EXPECT_GT(found.handed_in, histories);
}

TEST(kept_histories_test, count_what_was_asked_for_alone) {
  const auto found = tried<kept_updates>(as_they_come(), {.work_varies = true});

  EXPECT_EQ(found.problem, "");
  EXPECT_EQ(found.unfinished, 0u);
  EXPECT_GT(found.handed_in, histories / 10);
}

// Broken twins: what they keep by is not all that decides.
struct by_name : kept_updates {
  using kept_updates::kept_updates;
  static training_order named(training_order order) {
    static const auto any = numbers(0.0f, 0.0f);
    order.parameters = any;
    order.state = any;
    return order;
  }
  void keep(const training_order& order, const trained& what) {
    kept_updates::keep(named(order), what);
  }
  std::optional<trained> find(const training_order& order) {
    return kept_updates::find(named(order));
  }
};

struct forgets_the_work : kept_updates {
  using kept_updates::kept_updates;
  static training_order any(training_order order) {
    order.work = 0;
    return order;
  }
  void keep(const training_order& order, const trained& what) {
    kept_updates::keep(any(order), what);
  }
  std::optional<trained> find(const training_order& order) {
    return kept_updates::find(any(order));
  }
};

struct forgets_the_state : kept_updates {
  using kept_updates::kept_updates;
  static training_order any(training_order order) {
    order.state.reset();
    return order;
  }
  void keep(const training_order& order, const trained& what) {
    kept_updates::keep(any(order), what);
  }
  std::optional<trained> find(const training_order& order) {
    return kept_updates::find(any(order));
  }
};

struct forgets_too_soon : kept_updates {
  using kept_updates::kept_updates;
  void forget_before(version_id durable) {
    kept_updates::forget_before(durable + 1);
  }
};

TEST(kept_histories_test, would_notice_what_is_kept_by_name) {
  EXPECT_NE(tried<by_name>(as_they_come(), {}).problem, "");
}

TEST(kept_histories_test, would_notice_that_work_is_forgotten) {
  EXPECT_NE(
      tried<forgets_the_work>(as_they_come(), {.work_varies = true}).problem,
      "");
}

TEST(kept_histories_test, would_notice_that_states_are_forgotten) {
  EXPECT_NE(tried<forgets_the_state>(as_they_come(), {}).problem, "");
}

TEST(kept_histories_test, would_notice_what_is_forgotten_too_soon) {
  EXPECT_GT(tried<forgets_too_soon>(in_rounds(), {}, 200).trained_twice, 0u);
}

} // namespace
} // namespace troupe::cluster::tests
