#include "runtime/configuration/rule_choice.hpp"

#include <gmock/gmock.h>

#include <string>
#include <utility>

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(rule_choice_test, gives_back_the_options_that_it_was_given) {
  configuration what;

  choose_rule(what, fedbuff{.buffer = 3, .max_staleness = 7});

  EXPECT_EQ(what.federation.rule, "fedbuff");
  auto how = options_of<fedbuff>(what);
  EXPECT_EQ(how.buffer, 3u);
  EXPECT_EQ(how.concurrency, fedbuff{}.concurrency);
  EXPECT_EQ(how.max_staleness, 7u);
  EXPECT_EQ(how.weighting, "uniform");
}

TEST(rule_choice_test, forgets_what_was_said_to_the_rule_before) {
  configuration what;
  what.federation.clients = 50;
  choose_rule(what, fedbuff{.buffer = 3, .min_updates = 2});

  choose_rule(what, fedavg{});

  configuration expected;
  expected.federation.clients = 50;
  EXPECT_EQ(what, expected);
}

TEST(rule_choice_test, makes_the_rule_with_what_every_rule_is_told) {
  configuration what;
  what.run.seed = 5;
  what.run.rounds = 7;
  what.federation.lease_seconds = 2.0;
  choose_rule(what, fedbuff{.weighting = "samples", .min_updates = 4});

  auto common = make_rule(what).common();

  EXPECT_EQ(common.seed, 5u);
  EXPECT_EQ(common.rounds, 7u);
  EXPECT_TRUE(common.weigh_samples);
  EXPECT_EQ(common.min_updates, 4u);
  EXPECT_EQ(common.lease_time, std::chrono::seconds{2});
}

TEST(rule_choice_test, says_the_pace_and_what_it_counts) {
  configuration what;
  EXPECT_EQ(unit(what), "round");
  EXPECT_EQ(pace(what), "10 a round");
  EXPECT_TRUE(repeats_by_seed(what));

  choose_rule(what, fedbuff{});

  EXPECT_EQ(unit(what), "version");
  EXPECT_EQ(pace(what), "20 in training, a version every 10");
  EXPECT_EQ(cohort(what), 10u);
  EXPECT_FALSE(repeats_by_seed(what));
}

TEST(rule_choice_test, says_how_many_are_leased_for_those_that_count) {
  configuration what;

  choose_rule(what, fedavg{.over_select = 1.25});

  EXPECT_EQ(pace(what), "10 of 13 a round");
  EXPECT_EQ(cohort(what), 10u);
  EXPECT_FALSE(repeats_by_seed(what));
  EXPECT_EQ(options_of<fedavg>(what).over_select, 1.25);
  what.federation.clients = 0;
  what.federation.residents = true;
  EXPECT_EQ(
      pace(what), "10 % of those who are there a round, of 1.25 times as many");
}

TEST(rule_choice_test, says_how_long_a_round_waits) {
  configuration what;

  choose_rule(what, fedavg{.deadline = 30.0});
  EXPECT_EQ(pace(what), "10 a round, within 30 s");
  EXPECT_FALSE(repeats_by_seed(what));

  choose_rule(what, fedavg{.over_select = 1.3, .deadline_median = 3.0});
  EXPECT_EQ(pace(what), "10 of 13 a round, within the median + 3 MAD");
  EXPECT_FALSE(repeats_by_seed(what));
}

TEST(rule_choice_test, refuses_two_deadlines_for_a_round) {
  auto found = parse_configuration(
      "[federation]\ndeadline = 30.0\ndeadline_median = 3.0\n", "a");

  EXPECT_THAT(found.problems,
      ElementsAre("a:3: federation.deadline_median = 3.0 is beside "
                  "federation.deadline = 30: a round has one deadline, so one "
                  "of them has to be 0"));
}

TEST(rule_choice_test, says_who_is_drawn) {
  configuration what;

  choose_rule(what, fedavg{.select = "size"});
  EXPECT_EQ(pace(what), "10 a round, drawn by size");
  EXPECT_TRUE(repeats_by_seed(what));

  choose_rule(
      what, fedavg{.weighting = "uniform", .select = "power_of_choice"});
  EXPECT_EQ(pace(what), "10 a round, drawn by power of choice");
  EXPECT_TRUE(repeats_by_seed(what));

  choose_rule(what, fedavg{.deadline = 30.0, .tiers = 4});
  EXPECT_EQ(pace(what), "10 a round, of one of 4 tiers, within 30 s");
}

TEST(rule_choice_test, repeats_by_its_seed_unless_times_say_who_is_drawn) {
  for (const auto& how : {fedavg{.select = "oort"}, fedavg{.tiers = 2}}) {
    configuration what;
    choose_rule(what, how);
    EXPECT_FALSE(repeats_by_seed(what));

    what.run.order = "virtual";

    EXPECT_TRUE(repeats_by_seed(what));
  }
}

TEST(rule_choice_test, makes_a_rule_that_draws_as_it_is_told) {
  configuration what;
  choose_rule(what, fedavg{.fraction = 0.02, .select = "size"});
  auto rule = make_rule(what);
  federated::decisions said;
  for (client_id i = 0; i < 100; ++i)
    rule.join(i, i == 40 ? 1'000'000'000 : 1, {}, said);

  rule.begin(0, {}, said);

  ASSERT_EQ(said.grants.size(), 2u);
  EXPECT_EQ(said.grants[0].client, 40u);
}

TEST(rule_choice_test, leaves_to_a_run_how_many_of_its_residents_are_drawn) {
  auto found = parse_configuration(
      "[federation]\nclients = 0\nresidents = true\nweighting = \"uniform\"\n"
      "select = \"power_of_choice\"\nselect_candidates = 20\ntiers = 4\n",
      "a");

  EXPECT_THAT(found.problems, testing::IsEmpty());
}

TEST(rule_choice_test, knows_which_switches_a_seed_repeats) {
  const auto repeats = [](const std::string& list) {
    configuration what;
    what.federation.switches = {list};
    EXPECT_TRUE(contradictions(what).empty()) << list;
    return repeats_by_seed(what);
  };
  EXPECT_TRUE(repeats("version 3: fraction=0.2"));
  EXPECT_FALSE(repeats("version 3: rule=fedbuff"));
  EXPECT_FALSE(repeats("version 3: deadline=5"));
  EXPECT_FALSE(repeats("stragglers 0.5: fraction=0.2"));
}

TEST(rule_choice_test, refuses_what_contradicts_who_is_drawn) {
  const std::pair<std::string, std::string> wrong[] = {
      {"select = \"power_of_choice\"",
          "federation.weighting = \"samples\" counts a client's samples twice: "
          "federation.select = \"power_of_choice\" draws by them, and averages "
          "uniformly: set \"uniform\""},
      {"select = \"size\"",
          "federation.weighting = \"samples\" counts a client's samples twice: "
          "federation.select = \"size\" draws by them"},
      {"select_candidates = 30",
          "federation.select_candidates = 30 is for federation.select = "
          "\"power_of_choice\" alone, this is \"uniform\""},
      {"select = \"power_of_choice\"\nweighting = \"uniform\"\nover_select = "
       "1.5\nselect_candidates = 12",
          "federation.select_candidates = 12 is fewer than the 15 clients that "
          "a round leases: they are chosen from the candidates"},
      {"select = \"power_of_choice\"\nweighting = "
       "\"uniform\"\nselect_candidates = 120",
          "federation.select_candidates = 120 is more than the 100 clients "
          "there are"},
      {"select = \"size\"\nweighting = \"uniform\"\nselect_penalty = 3.0",
          "federation.select_penalty = 3.0 is for federation.select = \"oort\" "
          "alone, this is \"size\""},
      {"select = \"oort\"\nselect_explore = 0.1",
          "federation.select_explore_least = 0.2 is more than "
          "federation.select_explore = 0.1, from which it falls"},
      {"select = \"oort\"\ntiers = 4",
          "federation.tiers = 4 is beside federation.select = \"oort\", which "
          "goes by speed itself: one of them has to go"},
      {"tiers = 20", "federation.tiers = 20 makes tiers of 5 clients, which "
                     "cannot fill a round that leases 10"},
      {"tier_credits = 5",
          "federation.tier_credits = 5 is for rounds of one of several "
          "federation.tiers"}};
  for (const auto& [keys, why] : wrong) {
    auto found = parse_configuration("[federation]\n" + keys + "\n", "a");

    ASSERT_EQ(found.problems.size(), 1u) << keys;
    EXPECT_THAT(found.problems[0], HasSubstr(why));
  }
}

TEST(rule_choice_test, has_a_rule_weigh_by_local_steps_where_clients_say_so) {
  configuration what;
  what.client.method = "fednova";
  what.client.momentum = 0.5f;

  EXPECT_EQ(settings_of(what).work, what.client);
  EXPECT_EQ(make_rule(what).common().work, what.client);
}

TEST(rule_choice_test, refuses_fednova_where_a_rule_does_not_weigh_by_steps) {
  for (std::string name : {"fedbuff", "fedasync"}) {
    auto found = parse_configuration("[federation]\nrule = \"" + name +
                                         "\"\n[client]\nmethod = \"fednova\"\n",
        "a");

    EXPECT_THAT(found.problems,
        ElementsAre("a:4: client.method = \"fednova\" weighs a round's updates "
                    "by their steps, which federation.rule = \"" +
                    name + "\" does not: set \"fedavg\", or another method"));
  }
}

TEST(rule_choice_test, refuses_fednova_with_a_server_of_moments) {
  auto found = parse_configuration("[federation]\nserver = \"fedadam\"\n"
                                   "[client]\nmethod = \"fednova\"\n",
      "a");

  EXPECT_THAT(found.problems,
      ElementsAre("a:4: client.method = \"fednova\" is for federation.server = "
                  "\"average\" alone, this is \"fedadam\""));
}

TEST(rule_choice_test, refuses_variates_where_no_round_moves_them) {
  auto found = parse_configuration("[federation]\nrule = \"fedbuff\"\n"
                                   "[client]\nmethod = \"scaffold\"\n",
      "a");

  EXPECT_THAT(found.problems,
      ElementsAre("a:4: client.method = \"scaffold\" moves control variates by "
                  "rounds, which federation.rule = \"fedbuff\" does not: set "
                  "\"fedavg\", or another method"));
}

TEST(rule_choice_test, takes_feddyn_by_its_own_server_step_alone) {
  auto refusal = [](const std::string& keys, const std::string& method) {
    return parse_configuration(
        "[federation]\n" + keys + "\n[client]\nmethod = \"" + method + "\"\n",
        "a")
        .problems;
  };

  EXPECT_THAT(refusal("server = \"fedadam\"", "feddyn"),
      ElementsAre("a:4: client.method = \"feddyn\" is for federation.server = "
                  "\"average\" alone, this is \"fedadam\""));
  EXPECT_THAT(refusal("server_lr = 0.5", "feddyn"),
      ElementsAre("a:4: client.method = \"feddyn\" is for federation.server_lr "
                  "= 1 alone, this is 0.5"));
  EXPECT_TRUE(refusal("server = \"fedadam\"", "scaffold").empty());
}

TEST(rule_choice_test, leaves_a_rule_of_the_programs_own_to_it) {
  configuration what;
  what.federation.rule = "mine";
  what.federation.min_updates = 1'000;

  EXPECT_EQ(unit(what), "version");
  EXPECT_EQ(pace(what), "at its own pace");
  EXPECT_EQ(cohort(what), what.federation.clients);
  EXPECT_FALSE(repeats_by_seed(what));
  EXPECT_EQ(settings_of(what).min_updates, 1'000u);
  check_rule(what, [](std::string_view key, std::string why) {
    ADD_FAILURE() << key << " " << why;
  });
}

// Beside the configuration's own tests, which have files.
TEST(rule_choice_test, goes_back_to_defaults_where_a_setting_changes_the_rule) {
  configuration start;
  choose_rule(start, fedbuff{.buffer = 3});

  auto changed = change_configuration(
      start, std::vector<std::string>{"federation.rule=fedavg"});

  EXPECT_TRUE(changed) << changed.problems.front();
  EXPECT_EQ(options_of<fedbuff>(changed.value).buffer, fedbuff{}.buffer);
}

TEST(rule_choice_test, refuses_a_name_that_no_rule_and_no_program_has) {
  auto found = parse_configuration("[federation]\nrule = \"fedbuf\"\n", "a");

  EXPECT_THAT(found.problems, ElementsAre(HasSubstr("did you mean fedbuff?")));
}

TEST(rule_choice_test, tells_a_rule_that_cannot_run_yet_from_a_slip) {
  for (std::string name : {"bsp", "ssp", "asp"}) {
    auto found =
        parse_configuration("[federation]\nrule = \"" + name + "\"\n", "a");

    EXPECT_THAT(found.problems,
        ElementsAre("a:2: federation.rule = \"" + name +
                    "\" is for parameter servers, which troupe run does not "
                    "have yet"));
  }
}

} // namespace
} // namespace troupe
