// All rules, and broken twins of them, through random histories.
#include <array>
#include <map>

#include <gtest/gtest.h>

#include "tests/protocols/federated/broken_twins.hpp"
#include "tests/protocols/federated/history.hpp"

namespace troupe::federated {
namespace {

constexpr std::uint64_t histories = 10'000;

// Small worlds, for there the corners are: few clients, buffers that are too
// large, rounds that need more updates than there can be.
// Rounds that lease more than they want, and have deadlines.
template <class Rule = fedavg>
struct hurried : Rule {
  using Rule::Rule;
};

// Whose clients are not all as likely to be drawn.
template <class Rule = fedavg>
struct choosy : Rule {
  using Rule::Rule;
};

template <class Rule>
constexpr bool chooses = false;
template <class Rule>
constexpr bool chooses<choosy<Rule>> = true;
template <class Rule>
constexpr bool hurries = chooses<Rule>;
template <class Rule>
constexpr bool hurries<hurried<Rule>> = true;

void hurry(promise& p, gpu::random_stream& random) {
  using namespace std::chrono_literals;
  p.over_select = std::array{1.0, 1.3, 2.0, 10.0}[random.below(4)];
  p.backups = random.below(4);
  const auto how = random.below(3);
  if (how == 1)
    p.limit = std::array{1ms, 700ms, 2s + 0ms, 10s + 0ms}[random.below(4)];
  if (how == 2)
    p.spread = std::array{0.5, 1.0, 3.0, 20.0}[random.below(4)];
}

void choose(promise& p, gpu::random_stream& random) {
  p.choice.how = static_cast<chooser::by>(random.below(4));
  p.choice.candidates = random.below(6);
  p.choice.oort.explore = std::array{0.0, 0.5, 0.9, 1.0}[random.below(4)];
  p.choice.oort.window = 1 + random.below(3);
  if (p.choice.how != chooser::by::oort)
    p.choice.tiers = {.count = 1 + random.below(4),
        .credits = random.below(3),
        .interval = 1 + random.below(3)};
}

template <class Rule>
promise draw_promise(std::uint64_t seed) {
  gpu::random_stream random{seed, gpu::stream::user, 1};
  promise p;
  p.rounds_are_synchronous = std::is_base_of_v<fedavg, Rule>;
  p.common.seed = seed;
  p.common.rounds = 1 + random.below(20);
  p.common.weigh_samples = random.below(2) == 0;
  p.common.min_updates = random.below(4) == 0 ? 1 + random.below(4) : 1;
  p.clients = 1 + random.below(random.below(10) == 0 ? 40 : 8);
  p.fraction = std::array{0.01, 0.3, 0.5, 1.0}[random.below(4)];
  p.buffer = 1 + random.below(p.clients + 4);
  p.concurrency = 1 + random.below(p.clients + 4);
  p.max_staleness = std::array{0, 1, 3, 1000}[random.below(4)];
  if (std::is_base_of_v<fedasync, Rule>) {
    p.common.weigh_samples = false;
    p.common.min_updates = p.buffer = 1;
    p.mixing = std::array{0.1, 0.6, 1.0}[random.below(3)];
  }
  if (hurries<Rule>)
    hurry(p, random);
  if (chooses<Rule>)
    choose(p, random);
  return p;
}

trouble draw_trouble(std::uint64_t seed) {
  gpu::random_stream random{seed, gpu::stream::user, 2};
  trouble t;
  t.steps = random.below(500);
  t.failure = random.below(10) * random.below(5);
  t.duplicate = random.below(20);
  t.crash = random.below(15);
  t.rejoin = random.below(15);
  t.requeue = random.below(8);
  t.retraction = random.below(4);
  t.restart = random.below(4);
  t.version_made = 10 + random.below(90);
  t.oversleep = random.below(100);
  t.alarm = random.below(10);
  return t;
}

template <class Rule>
Rule make(const promise& p) {
  if constexpr (std::is_base_of_v<fedavg, Rule>)
    return Rule{p.common, p.fraction, p.over_select,
        deadline{p.limit, p.spread}, chooser{p.choice}, p.backups};
  else if constexpr (std::is_base_of_v<fedasync, Rule>)
    return Rule{p.common, p.mixing, {}, p.concurrency, p.max_staleness};
  else
    return Rule{p.common, p.buffer, p.concurrency, p.max_staleness};
}

template <class Rule>
history<Rule> draw_history(
    std::uint64_t seed, typename history<Rule>::maker maker = make<Rule>) {
  const auto p = draw_promise<Rule>(seed);
  return {seed, p, draw_trouble(seed), maker};
}

// Whether the witness says these words of a rule in one of many histories.
template <class Rule>
bool is_found(const std::string& words,
    typename history<Rule>::maker maker = make<Rule>) {
  for (std::uint64_t seed = 0; seed < 500; ++seed)
    if (draw_history<Rule>(seed, maker).run().find(words) != std::string::npos)
      return true;
  return false;
}

template <class Rule>
void expect_no_violation() {
  std::map<std::optional<ending>, int> endings;
  std::uint64_t versions = 0;
  for (std::uint64_t seed = 0; seed < histories; ++seed) {
    auto h = draw_history<Rule>(seed);
    ASSERT_EQ(h.run(), "") << "seed " << seed;
    ++endings[h.end()];
    versions += h.version();
  }
  // The histories are worth telling: they end in every way, and get far.
  EXPECT_GT(endings[ending::completed], histories / 2);
  EXPECT_GT(endings[ending::all_failed], histories / 100);
  EXPECT_GT(endings[ending::starved], histories / 100);
  EXPECT_GT(versions, 5 * histories);
}

} // namespace

TEST(histories_test, fedavg_keeps_every_promise) {
  expect_no_violation<fedavg>();
}

TEST(histories_test, fedavg_keeps_every_promise_without_waiting_for_all) {
  expect_no_violation<hurried<>>();
}

TEST(histories_test, fedavg_keeps_every_promise_whomever_it_draws) {
  expect_no_violation<choosy<>>();
}

TEST(histories_test, fedbuff_keeps_every_promise) {
  expect_no_violation<fedbuff>();
}

TEST(histories_test, fedasync_keeps_every_promise) {
  expect_no_violation<fedasync>();
}

TEST(broken_twin_test, is_found_when_it_counts_twice) {
  EXPECT_TRUE(
      is_found<broken::counts_twice<fedasync>>("counts although it must not"));
  EXPECT_TRUE(
      is_found<broken::counts_twice<fedavg>>("counts although it must not"));
  EXPECT_TRUE(
      is_found<broken::counts_twice<fedbuff>>("counts although it must not"));
}

TEST(broken_twin_test, is_found_when_it_takes_staleness_late) {
  EXPECT_TRUE(is_found<broken::takes_staleness_late>(
      "0 versions behind is taken for 1"));
}

TEST(broken_twin_test, is_found_when_it_forgets_earlier_rates) {
  EXPECT_TRUE(
      is_found<broken::forgets_earlier_rates>("a version is scaled by"));
}

TEST(broken_twin_test, is_found_when_it_trusts_everybody_alike) {
  const auto trusting = [](const promise& p) {
    return fedasync{p.common, p.mixing,
        {.of = staleness_function::shape::constant}, p.concurrency,
        p.max_staleness};
  };

  EXPECT_TRUE(is_found<fedasync>("a version is scaled by", trusting));
}

TEST(broken_twin_test, is_found_when_it_adds_instead_of_mixing) {
  EXPECT_TRUE(is_found<broken::adds_deltas>("adds a model's delta"));
}

TEST(broken_twin_test, is_found_when_it_never_fills) {
  EXPECT_TRUE(is_found<broken::never_fills>("stalls"));
}

TEST(broken_twin_test, is_found_when_it_hands_out_old_versions) {
  EXPECT_TRUE(is_found<broken::hands_out_old_versions>("leases version 0"));
}

TEST(broken_twin_test, is_found_when_it_hangs_on_a_failure) {
  EXPECT_TRUE(is_found<broken::hangs_on_failure<fedasync>>("stalls"));
  EXPECT_TRUE(is_found<broken::hangs_on_failure<fedavg>>("stalls"));
  EXPECT_TRUE(is_found<broken::hangs_on_failure<fedbuff>>("stalls"));
}

TEST(broken_twin_test, is_found_when_it_counts_the_departed) {
  EXPECT_TRUE(
      is_found<broken::counts_the_departed<fedasync>>("is not revoked"));
  EXPECT_TRUE(is_found<broken::counts_the_departed<fedavg>>("is not revoked"));
  EXPECT_TRUE(is_found<broken::counts_the_departed<fedbuff>>("is not revoked"));
}

TEST(broken_twin_test, is_found_when_it_uses_lease_ids_again) {
  EXPECT_TRUE(
      is_found<broken::forgets_incarnations<fedasync>>("is used again"));
  EXPECT_TRUE(is_found<broken::forgets_incarnations<fedavg>>("is used again"));
  EXPECT_TRUE(is_found<broken::forgets_incarnations<fedbuff>>("is used again"));
}

TEST(broken_twin_test, is_found_when_it_gives_up_early) {
  EXPECT_TRUE(is_found<broken::gives_up_early>("ends with leases out"));
}

TEST(broken_twin_test, is_found_when_it_counts_one_too_many) {
  EXPECT_TRUE(is_found<hurried<broken::counts_one_too_many>>(
      "counts although it must not"));
}

TEST(broken_twin_test, is_found_when_it_forgets_to_revoke) {
  EXPECT_TRUE(is_found<hurried<broken::forgets_to_revoke>>(
      "publishes before every lease has ended"));
}

TEST(broken_twin_test, is_found_when_it_closes_before_its_deadline) {
  const auto hasty = [](const promise& p) {
    return hurried<>{p.common, p.fraction, p.over_select,
        deadline{p.limit / 2, p.spread / 2}};
  };

  EXPECT_TRUE(is_found<hurried<>>("closes before its deadline", hasty));
}

TEST(broken_twin_test, is_found_when_it_waits_beyond_its_deadline) {
  const auto patient = [](const promise& p) {
    return hurried<>{p.common, p.fraction, p.over_select,
        deadline{p.limit * 2, p.spread * 2}};
  };

  EXPECT_TRUE(is_found<hurried<>>("nobody wakes it at its deadline", patient));
}

TEST(broken_twin_test, is_found_when_it_sleeps_on) {
  EXPECT_TRUE(
      is_found<hurried<broken::sleeps_on>>("nobody wakes it at its deadline"));
}

TEST(broken_twin_test, is_found_when_it_counts_until_it_is_woken) {
  EXPECT_TRUE(is_found<hurried<broken::counts_until_woken>>(
      "counts although it must not"));
}

TEST(broken_twin_test, is_found_when_it_leases_too_few_to_choose_from) {
  const auto trusting = [](const promise& p) {
    return hurried<>{p.common, p.fraction, 1.0, deadline{p.limit, p.spread}};
  };

  EXPECT_TRUE(is_found<hurried<>>("a cohort of", trusting));
}

TEST(broken_twin_test, is_found_when_it_draws_others_once_it_is_restarted) {
  using by = chooser::by;
  auto made = 0u;
  const auto moody = [&](const promise& p) {
    auto how = p.choice;
    if (++made % 2 == 0) {
      how.how = how.how == by::uniform ? by::size
                : how.how == by::size  ? by::uniform
                                       : how.how;
      how.candidates = 5 - how.candidates;
    }
    return choosy<>{p.common, p.fraction, p.over_select,
        deadline{p.limit, p.spread}, chooser{how}};
  };

  EXPECT_TRUE(is_found<choosy<>>("another cohort when the round", moody));
}

TEST(broken_twin_test, is_found_when_it_does_not_wait_for_min_updates) {
  const auto content = [](const promise& p) {
    auto common = p.common;
    common.min_updates = 1;
    return hurried<>{
        common, p.fraction, p.over_select, deadline{p.limit, p.spread}};
  };

  EXPECT_TRUE(is_found<hurried<>>("publishes 1 of", content));
}

TEST(broken_twin_test, is_found_when_too_many_leases_are_out) {
  const auto greedy = [](const promise& p) {
    return fedbuff{p.common, p.buffer, p.concurrency + 1, p.max_staleness};
  };

  EXPECT_TRUE(is_found<fedbuff>("leases are out", greedy));
}

TEST(broken_twin_test, is_found_when_too_few_leases_are_out) {
  const auto timid = [](const promise& p) {
    return fedbuff{p.common, p.buffer, 1, p.max_staleness};
  };

  EXPECT_TRUE(is_found<fedbuff>("could be leased", timid));
}

TEST(broken_twin_test, is_found_when_it_counts_what_is_too_stale) {
  const auto patient = [](const promise& p) {
    return fedbuff{p.common, p.buffer, p.concurrency, p.max_staleness + 1};
  };

  EXPECT_TRUE(is_found<fedbuff>("counts that is too stale", patient));
}

} // namespace troupe::federated
