// Whatever happens on the way, every rule keeps its promises: thousands of
// seeds a rule, each with results that get lost, are late or come twice,
// clients that fail, come and go, and a coordinator that crashes.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/errc.hpp"
#include "protocols/federated/fedasync.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"
#include "runtime/record/journal.hpp"
#include "runtime/simulation/idle_workshop.hpp"
#include "runtime/simulation/simulator.hpp"
#include "tests/runtime/simulation/witness.hpp"

namespace troupe::simulation {
namespace {

using federated::rule;
using federated::settings;

// TROUPE_SEEDS=FIRST-LAST looks at others: whoever looks at many can stop and
// go on, and one that failed comes again alone.
struct seed_range {
  std::uint64_t first = 1;
  std::uint64_t last = 250;
  std::uint64_t count() const { return last - first + 1; }
};

seed_range seeds() {
  seed_range result;
  if (const auto* asked = std::getenv("TROUPE_SEEDS"))
    std::sscanf(asked, "%" SCNu64 "-%" SCNu64, &result.first, &result.last);
  return result;
}

constexpr std::uint64_t versions = 12;

settings common(std::uint64_t seed) {
  return {.seed = seed,
      .rounds = versions,
      .weigh_samples = false,
      .keeps_leases = true};
}

using rule_maker = std::function<rule(std::uint64_t seed)>;

rule averaged(std::uint64_t seed) {
  return federated::fedavg{common(seed), 0.4};
}
rule punctual(std::uint64_t seed) {
  return federated::fedavg{
      common(seed), 0.6, 1.5, federated::deadline{duration{}, 1.0}};
}
rule buffered(std::uint64_t seed) {
  return federated::fedbuff{common(seed), 3, 5, 2};
}
rule mixed(std::uint64_t seed) {
  return federated::fedasync{
      common(seed), 0.6, federated::staleness_function{}, 4, 3};
}

// Leases take some 0.2 s, and a run some seconds.
configuration::simulation_keys trouble() {
  configuration::simulation_keys how;
  how.down = 4e4;
  how.up = 1e4;
  how.available = 0.8;
  how.stay_seconds = 2.0;
  how.failure = 0.03;
  how.loss = 0.1;
  how.notice_seconds = 0.3;
  how.delay = 0.2;
  how.delay_seconds = 0.3;
  how.duplicate = 0.2;
  how.crash_seconds = 2.0;
  how.restart_seconds = 0.2;
  how.partition_seconds = 3.0;
  how.heal_seconds = 0.5;
  return how;
}

struct story {
  witness seen;
  std::string journal;
  run_report report;
  figures comes_to;
};

/// From rounds to buffers, to mixed models, and back, by what settings name.
federated::successor next_rule(std::uint64_t seed, const std::string& now,
    const std::vector<std::string>& settings) {
  const auto& name = settings.empty() ? now : settings.front();
  auto made = name == "fedavg"    ? averaged(seed)
              : name == "fedbuff" ? buffered(seed)
                                  : mixed(seed);
  return {std::move(made), name, name, name};
}

std::vector<federated::planned_switch> there_and_back(std::uint64_t seed) {
  const auto first = 1 + seed % 3;
  return {{"first", first, 0.0, {"fedbuff"}},
      {"stragglers", 0, 0.1, {"fedasync"}},
      {"last", first + 5, 0.0, {"fedavg"}}};
}

struct discipline {
  const char* name;
  rule_maker make;
  bool switches = false;
};

story tell(std::uint64_t seed, const discipline& of,
    const configuration::simulation_keys& how, version_id checkpoint_every,
    bool writes = false) {
  plan what;
  what.rule = of.make(seed);
  if (of.switches) {
    what.make_successor = [seed](const auto& now, const auto& settings, bool) {
      return next_rule(seed, now, settings);
    };
    what.switches = there_and_back(seed);
  }
  what.pace = {.seed = seed,
      .samples_per_second = 100.0,
      .spread = 1.0,
      .jitter = 0.3,
      .work = {.epochs = 2}};
  what.samples = {10, 11, 12, 10, 11, 12, 10, 11, 12, 10, 11, 12};
  what.press.checkpoint_every = checkpoint_every;
  what.dangers = hazards{seed, how};
  idle_workshop by{250,
      [](const auto&) { return training::outcome{.samples = 10, .steps = 1}; }};
  story result;
  simulator it{std::move(what), by,
      {[&](const fact_batch& some) {
         result.seen.hear(*some.facts);
         if (writes)
           journal::encode(*some.facts, result.journal);
       },
          {}}};
  result.report = it.run();
  result.comes_to = it.account();
  return result;
}

class histories_test : public testing::TestWithParam<discipline> {};

TEST_P(histories_test, keeps_every_law_and_comes_to_its_end) {
  std::uint64_t crashes = 0, dropped = 0, requeued = 0, left = 0;
  const auto all = seeds();
  for (auto seed = all.first; seed <= all.last; ++seed) {
    const auto told = tell(seed, GetParam(), trouble(), 1 + seed % 3);
    ASSERT_EQ(told.seen.breach(), "") << "seed " << seed;
    // Few are there at times, and a round whose clients all fail ends a run.
    ASSERT_TRUE(told.seen.outcome() == "completed" ||
                told.report.why == errc::all_failed)
        << "seed " << seed;
    ASSERT_GE(told.seen.updates(), told.seen.version()) << "seed " << seed;
    ASSERT_EQ(told.report.updates, told.seen.updates()) << "seed " << seed;
    ASSERT_EQ(told.comes_to.updates, told.seen.updates()) << "seed " << seed;
    crashes += told.seen.crashes();
    dropped += told.seen.dropped();
    requeued += told.seen.requeued();
    left += told.seen.left();
  }
  if (all.count() < 100)
    return; // too few to say anything of
  EXPECT_GT(crashes, all.count() / 2);
  EXPECT_GT(dropped, all.count());
  EXPECT_GT(requeued, all.count() / 2);
  EXPECT_GT(left, all.count());
}

TEST_P(histories_test, tells_one_history_of_one_seed) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto one = tell(seed, GetParam(), trouble(), 2, true);
    ASSERT_FALSE(one.journal.empty());
    ASSERT_EQ(one.journal, tell(seed, GetParam(), trouble(), 2, true).journal);
  }
}

TEST_P(histories_test, loses_nothing_where_nothing_happens) {
  const auto told = tell(1, GetParam(), {}, 1);
  EXPECT_EQ(told.seen.breach(), "");
  EXPECT_EQ(told.seen.version(), versions);
  EXPECT_EQ(
      told.seen.dropped() + told.seen.requeued() + told.seen.crashes(), 0u);
}

const std::vector<discipline> disciplines{{"fedavg", averaged},
    {"deadline", punctual}, {"fedbuff", buffered}, {"fedasync", mixed},
    {"switched", averaged, true}};

INSTANTIATE_TEST_SUITE_P(of, histories_test, testing::ValuesIn(disciplines),
    [](const auto& what) { return std::string{what.param.name}; });

TEST(switched_histories_test, go_by_each_rule) {
  std::uint64_t changes = 0;
  constexpr std::uint64_t looked_at = 50;
  for (std::uint64_t seed = 1; seed <= looked_at; ++seed) {
    const auto told = tell(seed, disciplines.back(), {}, 1);
    ASSERT_EQ(told.seen.breach(), "");
    changes += told.seen.changes();
  }
  EXPECT_EQ(changes, 3 * looked_at);
}

// Rules with one fault each, which the witness has to find.

/// A second copy of an update counts once more.
template <class Rule>
struct counts_twice : Rule {
  using Rule::Rule;
  federated::verdict arrive(const federated::arrival& update, instant now,
      federated::decisions& out) {
    auto v = Rule::arrive(update, now, out);
    if (v.why == federated::drop_reason::duplicate)
      v = {federated::drop_reason::none, 1.0, 1.0, 0, v.mix};
    return v;
  }
};

/// What was lost is waited for, for ever.
template <class Rule>
struct waits_for_the_lost : Rule {
  using Rule::Rule;
  void requeue(lease_id, instant, federated::decisions&) {}
};

/// Whoever leaves is leased as if they were there.
template <class Rule>
struct leases_the_gone : Rule {
  using Rule::Rule;
  void leave(client_id, instant, federated::decisions&) {}
};

/// Behind a crash it counts from nothing.
template <class Rule>
struct forgets_its_updates : Rule {
  using Rule::Rule;
  void begin(
      std::uint64_t incarnation, instant now, federated::decisions& out) {
    before_ = incarnation > 0 ? Rule::accepted() : 0;
    Rule::begin(incarnation, now, out);
  }
  std::uint64_t accepted() const noexcept { return Rule::accepted() - before_; }

private:
  std::uint64_t before_ = 0;
};

template <template <class> class Broken>
std::uint64_t found(const configuration::simulation_keys& how) {
  const rule_maker broken[]{
      [](std::uint64_t seed) -> rule {
        return Broken<federated::fedavg>{common(seed), 0.4};
      },
      [](std::uint64_t seed) -> rule {
        return Broken<federated::fedbuff>{common(seed), 3, 5, 2};
      }};
  std::uint64_t result = 0;
  for (const auto& make : broken)
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      const auto told = tell(seed, {"broken", make}, how, 1);
      result +=
          !told.seen.breach().empty() || told.seen.outcome() != "completed";
    }
  return result;
}

TEST(broken_rules_test, are_found) {
  configuration::simulation_keys doubled, lossy, restless, crashing;
  doubled.duplicate = 0.5;
  doubled.delay_seconds = 0.01;
  lossy.loss = 0.3;
  restless.available = 0.7;
  restless.stay_seconds = 1.0;
  crashing.crash_seconds = 0.5;
  EXPECT_GT(found<counts_twice>(doubled), 40u);
  EXPECT_GT(found<waits_for_the_lost>(lossy), 40u);
  EXPECT_GT(found<leases_the_gone>(restless), 40u);
  EXPECT_GT(found<forgets_its_updates>(crashing), 40u);
}

} // namespace
} // namespace troupe::simulation
