// Whom `fedavg` draws, and with which weight, against transcriptions of the
// papers: recorded over 200 rounds of unequal clients, some of which fail.
#include "protocols/federated/chooser.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/aggregation/accumulator.hpp"
#include "protocols/federated/fedavg.hpp"
#include "tests/protocols/federated/saved.hpp"
#include "tests/protocols/federated/transcriptions.hpp"
#include "tests/protocols/federated/trial.hpp"

namespace troupe::federated {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr client_id all = 60;
constexpr std::uint64_t rounds = 200;
constexpr double fraction = 0.1;

double chance_of(client_id client, std::uint64_t a, std::uint64_t b) {
  return gpu::random_stream{7, gpu::stream::user, client, a * 1000 + b}
      .uniform();
}

std::uint64_t samples_of(client_id client) {
  return 5 + client * client % 97;
}

// Every sixth is slow by a factor of ten, and each round differs.
double seconds_of(client_id client, std::uint64_t round) {
  return (client % 6 == 0 ? 10.0 : 1.0) *
         (1.0 + chance_of(client, 1, 0) + 0.2 * chance_of(client, 2, round));
}

// Falls, stays or rises, from client to client.
double loss_of(client_id client, std::uint64_t round) {
  const auto trend = 0.99 + 0.011 * chance_of(client, 3, 0);
  return 3.0 * chance_of(client, 4, 0) *
         std::pow(trend, static_cast<double>(round)) *
         (1.0 + 0.1 * chance_of(client, 5, round));
}

bool fails(client_id client, std::uint64_t round) {
  return chance_of(client, 6, round) < 0.05;
}

struct recorded {
  std::vector<client_id> drawn;
  std::vector<double> shares;
  std::vector<transcribed::lease> leases; // in the order of `drawn`

  bool operator==(const recorded& x) const {
    return drawn == x.drawn && shares == x.shares;
  }
};
using record = std::vector<recorded>;

fedavg choosing(chooser::options how, double over_select = 1.0) {
  return {{.seed = 11, .rounds = rounds, .weigh_samples = true}, fraction,
      over_select, {}, chooser{how}};
}

trial<fedavg> begun(fedavg rule, std::uint64_t incarnation = 0) {
  trial<fedavg> t{std::move(rule)};
  for (client_id i = 0; i < all; ++i)
    t.join(i, samples_of(i));
  t.begin(incarnation);
  return t;
}

// One round: those who are not waited for had as long as it went on.
recorded play(trial<fedavg>& t) {
  recorded result;
  const auto round = t.rule.round();
  const auto opened = t.now;
  auto grants = t.said.grants;
  for (const auto& g : grants) {
    result.drawn.push_back(g.client);
    result.shares.push_back(g.share);
    result.leases.push_back({.round = round});
  }
  std::ranges::sort(
      grants, {}, [&](const grant& g) { return seconds_of(g.client, round); });
  const auto lease_of = [&](client_id client) -> transcribed::lease& {
    const auto at = std::ranges::find(result.drawn, client);
    return result.leases[static_cast<std::size_t>(at - result.drawn.begin())];
  };
  auto open = clients_of(grants);
  for (const auto& g : grants) {
    const auto took = from_seconds(seconds_of(g.client, round));
    t.now = opened + took;
    std::erase(open, g.client);
    if (fails(g.client, round)) {
      t.fail(g);
    } else {
      const auto loss = loss_of(g.client, round);
      const auto square = loss * loss * 1.25;
      t.arrive({.lease = g.lease,
          .client = g.client,
          .base = g.base,
          .samples = samples_of(g.client),
          .steps = 1,
          .loss = loss,
          .square_loss = square,
          .took = took});
      lease_of(g.client) = {round, true,
          std::chrono::duration<double>(took).count(), loss, square,
          samples_of(g.client)};
    }
    if (t.said.publish)
      break;
  }
  EXPECT_TRUE(t.said.publish);
  for (auto client : open)
    lease_of(client).seconds =
        std::chrono::duration<double>(t.now - opened).count();
  t.published();
  return result;
}

record play(trial<fedavg> t, std::uint64_t count) {
  record result;
  while (result.size() < count)
    result.push_back(play(t));
  return result;
}

record play(chooser::options how, double over_select = 1.0) {
  return play(begun(choosing(how, over_select)), rounds);
}

// The first round in which somebody else was drawn, or with another weight,
// than the transcription has it; nothing: there is none.
template <class Transcription>
std::string difference(const record& what, Transcription selector) {
  transcribed::clients known(all);
  for (client_id i = 0; i < all; ++i)
    known[i].samples = samples_of(i);
  for (std::uint64_t round = 1; round <= what.size(); ++round) {
    const auto& was = what[round - 1];
    gpu::random_stream random{11, gpu::stream::select, round};
    if (selector.draw(known, round, was.drawn.size(), random) != was.drawn)
      return "others are drawn in round " + std::to_string(round);
    double samples = 0.0;
    for (auto i : was.drawn)
      samples += static_cast<double>(samples_of(i));
    for (std::size_t i = 0; i < was.drawn.size(); ++i) {
      const auto n = static_cast<double>(samples_of(was.drawn[i]));
      if (was.shares[i] != gpu::on_weight_grid(n / samples))
        return "another weight in round " + std::to_string(round);
      known[was.drawn[i]].leases.push_back(was.leases[i]);
    }
  }
  return "";
}

const std::vector<std::string> oort_faults{"explores for ever", "does not clip",
    "draws the best alike", "gives no bonus", "does not mind the slow",
    "minds the slow less", "has no pacer"};

const std::vector<chooser::options>& ways() {
  static const std::vector<chooser::options> some{{.how = chooser::by::uniform},
      {.how = chooser::by::size},
      {.how = chooser::by::power_of_choice, .candidates = 15},
      {.how = chooser::by::oort},
      {.tiers = {.count = 5, .credits = 15, .interval = 4}},
      {.how = chooser::by::power_of_choice, .tiers = {.count = 3}}};
  return some;
}

} // namespace

TEST(chooser_test, draws_by_size_as_a_plain_program_does) {
  const auto was = play({.how = chooser::by::size});

  EXPECT_EQ(difference(was, transcribed::by_size{}), "");
  EXPECT_NE(
      difference(was, transcribed::by_size{"counts clients, not samples"}), "");
}

TEST(chooser_test, draws_by_power_of_choice_as_its_paper_does) {
  const auto was =
      play({.how = chooser::by::power_of_choice, .candidates = 15}, 1.5);

  EXPECT_EQ(difference(was, transcribed::power_of_choice{15}), "");
  for (const auto* fault :
      {"takes the smallest losses", "takes the unknown for fitted",
          "goes by the first loss", "counts clients, not samples"})
    EXPECT_NE(difference(was, transcribed::power_of_choice{15, fault}), "")
        << fault;
  EXPECT_NE(difference(was, transcribed::power_of_choice{16}), "");
}

TEST(chooser_test, takes_two_candidates_a_lease_where_none_are_named) {
  const auto was = play({.how = chooser::by::power_of_choice});

  EXPECT_EQ(difference(was, transcribed::power_of_choice{12}), "");
}

TEST(chooser_test, draws_by_oort_as_its_paper_does) {
  const auto was = play({.how = chooser::by::oort});

  EXPECT_EQ(difference(was, transcribed::oort{}), "");
  for (const auto& fault : oort_faults)
    EXPECT_NE(difference(was, transcribed::oort{fault}), "") << fault;
}

TEST(chooser_test, draws_by_oort_where_some_are_given_up) {
  const auto was = play({.how = chooser::by::oort}, 1.5);

  EXPECT_EQ(difference(was, transcribed::oort{}), "");
}

TEST(chooser_test, draws_from_tiers_as_their_paper_does) {
  const auto was =
      play({.tiers = {.count = 5, .credits = 15, .interval = 4}}, 1.2);

  EXPECT_EQ(difference(was, transcribed::tifl{5, 15, 4}), "");
  for (const auto* fault : {"goes by name", "profiles nobody", "never adapts",
           "gives on credit", "helps the best"})
    EXPECT_NE(difference(was, transcribed::tifl{5, 15, 4, fault}), "") << fault;
  EXPECT_NE(difference(was, transcribed::tifl{5, 15, 5}), "");
}

TEST(chooser_test, draws_from_tiers_without_credits_as_their_paper_does) {
  const auto was = play({.tiers = {.count = 4}});

  EXPECT_EQ(difference(was, transcribed::tifl{4, 0, 10}), "");
}

TEST(chooser_test, draws_different_clients_each_round) {
  for (const auto& how : ways())
    for (const auto& round : play(how))
      ASSERT_EQ(std::set(round.drawn.begin(), round.drawn.end()).size(), 6u);
}

// Once everybody's time is known: it is not of those who failed at first.
TEST(chooser_test, keeps_a_round_within_a_tier) {
  const auto was = play({.tiers = {.count = 6}});

  std::uint64_t slow = 0;
  for (std::uint64_t round = 100; round < rounds; ++round) {
    const auto& drawn = was[round].drawn;
    const auto of_the_slow = std::ranges::count_if(
        drawn, [](client_id client) { return client % 6 == 0; });
    EXPECT_TRUE(of_the_slow == 0 || of_the_slow == 6) << round;
    slow += of_the_slow == 6;
  }
  EXPECT_GT(slow, 0u);
  EXPECT_LT(slow, 50u);
}

TEST(chooser_test, draws_on_when_it_is_loaded_as_if_nothing_had_been) {
  for (const auto& how : ways()) {
    const auto whole = play(how);
    auto t = begun(choosing(how));
    while (t.rule.version() < 90)
      play(t);
    auto loaded = choosing(how);
    restore(loaded, save(t.rule)); // in the middle of a round

    const auto rest = play(begun(loaded, 1), 110);

    EXPECT_EQ(rest, record(whole.begin() + 90, whole.end()));
  }
}

// So that the test before this one could fail.
TEST(chooser_test, draws_otherwise_when_it_knows_something_else) {
  for (const auto& how : ways()) {
    const auto remembers = chooser{how}.remembers();
    const auto whole = play(how);
    auto t = begun(choosing(how));
    while (t.rule.version() < 90) { // updates that say nothing
      for (const auto& g : std::vector(t.said.grants))
        t.arrive(g);
      t.published();
    }
    auto loaded = choosing(how);
    restore(loaded, save(t.rule));

    const auto rest = play(begun(loaded, 1), 110);

    EXPECT_EQ(rest != record(whole.begin() + 90, whole.end()), remembers);
  }
}

TEST(chooser_test, does_not_mind_who_answers_first) {
  for (const auto& how : ways()) {
    auto forward = begun(choosing(how)), backward = begun(choosing(how));
    for (int round = 0; round < 40; ++round) {
      const auto grants = forward.said.grants;
      ASSERT_EQ(clients_of(backward.said.grants), clients_of(grants));
      for (std::size_t i = 0; i < grants.size(); ++i) {
        const auto tell = [&](trial<fedavg>& t, const grant& g) {
          t.arrive({.lease = g.lease,
              .client = g.client,
              .base = g.base,
              .samples = samples_of(g.client),
              .loss = loss_of(g.client, t.rule.round()),
              .took = from_seconds(seconds_of(g.client, t.rule.round()))});
        };
        tell(forward, grants[i]);
        tell(backward, grants[grants.size() - 1 - i]);
      }
      forward.published();
      backward.published();
    }
  }
}

TEST(track_record_test, forgets_an_update_that_is_unusable) {
  track_record known;
  known.begin(std::vector<client_id>{4, 9});
  known.heard({.client = 4, .samples = 4, .loss = 3.0});
  known.heard({.client = 9, .samples = 4, .loss = 3.0});
  known.retract(9);

  EXPECT_EQ(known.close(1), 12.0);

  EXPECT_EQ(known.of(4).loss, 3.0);
  EXPECT_FALSE(known.of(9).has_loss());
  EXPECT_TRUE(known.of(9).was_leased());
}

TEST(track_record_test, knows_of_a_round_once_it_is_closed) {
  track_record known;
  known.begin(std::vector<client_id>{1});
  known.heard({.client = 1, .samples = 2, .loss = 3.0});
  EXPECT_FALSE(known.of(1).was_leased() || known.of(1).has_loss());

  known.close(5);

  EXPECT_EQ(known.of(1).leased_in, 5u);
  EXPECT_EQ(known.of(1).utility, 6.0);
}

TEST(track_record_test, takes_a_loss_that_is_no_number_for_none_at_all) {
  track_record known;
  known.begin(std::vector<client_id>{3});
  known.heard(
      {.client = 3, .samples = 4, .loss = NAN, .square_loss = INFINITY});

  known.close(1);

  EXPECT_EQ(known.of(3).loss, 0.0);
  EXPECT_EQ(known.of(3).utility, 0.0);
}

TEST(chooser_test, never_leases_a_client_without_samples_by_size) {
  for (auto how : {chooser::by::size, chooser::by::power_of_choice}) {
    trial<fedavg> t{
        fedavg{{.weigh_samples = false}, 1.0, 1.0, {}, chooser{{.how = how}}}};
    t.join(0, 0);
    t.join(1, 3);

    t.begin();

    EXPECT_THAT(clients_of(t.said.grants), ElementsAre(1));
  }
}

// A tier takes on its neighbours, candidates are as many as there are.
TEST(chooser_test, fills_its_rounds_however_few_are_there) {
  for (auto how : ways())
    for (client_id clients = 1; clients < 12; ++clients) {
      how.tiers.count = how.tiers.count > 1 ? 9 : 1;
      trial<fedavg> t{fedavg{{}, 0.5, 1.0, {}, chooser{how}}, clients};
      for (int round = 0; round < 9; ++round) {
        const auto grants = t.said.grants;
        ASSERT_THAT(grants, SizeIs(std::max(1L, std::lround(clients / 2.0))));
        for (const auto& g : grants)
          t.arrive(g);
        t.published();
      }
    }
}

} // namespace troupe::federated
