#include "runtime/record/journal.hpp"

#include <cmath>
#include <limits>
#include <set>
#include <variant>

#include <gtest/gtest.h>

namespace troupe {
namespace {

instant at(double s) {
  return instant{from_seconds(s)};
}

std::string encoded(const std::vector<fact>& batch) {
  std::string text;
  journal::encode(batch, text);
  return text;
}

facts::accepted an_update(lease_id lease) {
  return {lease, 7, 3, 1, 600, 60, 0.25, 0.5, 1.5, 0.01, true, true, 5,
      std::numeric_limits<std::uint64_t>::max()};
}

std::string problem_of(const std::string& text) {
  try {
    journal::scan(text, [](const fact&) {});
  } catch (const journal::bad_line& e) {
    return e.what();
  }
  return "";
}

TEST(journal_test, writes_a_fact_a_line) {
  auto text = encoded({{1, at(0.5), facts::voided{4, 9, 2}},
      {2, at(1.0), facts::client_failed{5, 17, "loss is \"nan\"\n"}}});

  EXPECT_EQ(text, "{\"fact\":\"voided\",\"number\":1,\"at\":0.500000,"
                  "\"first\":4,\"last\":9,\"version\":2}\n"
                  "{\"fact\":\"client_failed\",\"number\":2,\"at\":1.000000,"
                  "\"lease\":5,\"client\":17,"
                  "\"why\":\"loss is \\\"nan\\\"\\n\","
                  "\"code\":\"\"}\n");
}

TEST(journal_test, lets_the_many_share_a_line) {
  auto text = encoded(
      {{8, at(2), facts::leased{1, 10, 0}}, {9, at(2), facts::leased{2, 11, 0}},
          {10, at(2), facts::requeued{1, 10}}});

  EXPECT_EQ(text, "{\"fact\":\"leased\",\"number\":8,\"count\":2,"
                  "\"at\":2.000000,\"lease\":[1,2],\"client\":[10,11],"
                  "\"base\":[0,0]}\n"
                  "{\"fact\":\"requeued\",\"number\":10,\"at\":2.000000,"
                  "\"lease\":1,\"client\":10}\n");
}

TEST(journal_test, reads_back_every_kind_of_fact) {
  using federated::drop_reason;
  std::vector<fact> all{
      {1, at(1),
          facts::run_header{"a", "fedavg", "cpu", 1, 2, 3, 4, 5, 6, 7, 8, 9,
              0.5, {"f", "l", "tf", "tl", "i"}, "version", "sha", false, 64}},
      {2, at(1), facts::voided{1, 2, 3}},
      {3, at(1), facts::round_started{1, 2, 3}},
      {4, at(1), facts::leased{1, 2, 3}}, {5, at(1), an_update(9)},
      {6, at(1), an_update(10)},
      {7, at(1), facts::dropped{1, 2, 3, drop_reason::too_stale, 21}},
      {8, at(1), facts::client_failed{1, 2, "why", "learner_failed"}},
      {9, at(1), facts::requeued{1, 2}},
      {10, at(1), facts::round_skipped{1, 2, 3}},
      {11, at(1),
          facts::published{1, 2, 3, 4, 0.5, 0.25, 0.75, 0.5, 0.625, 772, 9.5}},
      {12, at(1), facts::evaluated{1, 2, 0.5, 0.25, 0.125}},
      {13, at(1), facts::stored{1, "sha", 0.5, "before"}},
      {14, at(1), facts::slot_lost{1, 2, 3, "why"}},
      {15, at(1), facts::slot_returned{1}},
      {16, at(1), facts::client_joined{1, 2, "hospital-7", "key"}},
      {17, at(1), facts::client_left{1, "why"}},
      {18, at(1), facts::slot_joined{1, 2}}, {19, at(1), facts::slot_left{1}},
      {20, at(1), facts::waiting{"nodes", 1, 2, "alpha"}},
      {21, at(1), facts::run_ended{"failed", "why", 3}},
      {22, at(1), facts::node_joined{"alpha", 1, 2, "10.0.0.1:5"}},
      {23, at(1), facts::node_left{"alpha", 3, "why", true, 0.5}},
      {24, at(1), facts::node_changed{"alpha", "lost", 3, 1, 2, 3, 4, 5}},
      {25, at(1), facts::node_serves{"alpha", "10.0.0.1:9464"}},
      {26, at(1), facts::node_refused{"beta", "other_data", "why"}},
      {27, at(1), facts::revoked{1, 2, true}},
      {28, at(1), facts::fingerprint_mixed{"alpha", "other"}},
      {29, at(1), facts::went_on{"nodes"}},
      {30, at(1), facts::dropped{1, 2, 3, drop_reason::too_large, 0}},
      {31, at(1), facts::rule_changed{3, "fedbuff", "buffer=3", "asked"}},
      {32, at(1), facts::mesh_formed{1, 2, 3, 0.5, "this process: 2", "why"}},
      {33, at(1), facts::rank_lost{1, 2, 3, "alpha", "why"}},
      {34, at(1), facts::stepped{1, 2, 3, 4, 5, 0.5, 0.25, 0.125, 6}}};
  std::set<std::size_t> kinds;
  for (const auto& each : all)
    kinds.insert(each.what.index());
  EXPECT_EQ(kinds.size(), std::variant_size_v<decltype(fact::what)>);

  std::vector<fact> back;
  auto text = encoded(all);
  auto found = journal::scan(text, [&](const fact& f) { back.push_back(f); });

  EXPECT_EQ(found.last_number, 34u);
  EXPECT_EQ(found.sound_bytes, text.size());
  ASSERT_EQ(back.size(), all.size());
  EXPECT_EQ(encoded(back), text);
}

TEST(journal_test, reads_a_start_from_before_it_told_of_what_was_done) {
  auto text = encoded({{1, at(1),
      facts::run_header{"a", "fedavg", "cpu", 1, 2, 3, 4, 5, 6, 7, 8, 9, 0.5,
          {"f", "l", "tf", "tl", "i"}}}});
  const std::string told =
      ",\"updates\":8,\"best_version\":9,\"best_accuracy\":0.5,"
      "\"features_sha256\":\"f\",\"labels_sha256\":\"l\","
      "\"test_features_sha256\":\"tf\",\"test_labels_sha256\":\"tl\","
      "\"initial_sha256\":\"i\",\"unit\":\"round\",\"sha256\":\"\","
      "\"promises_bits\":true,\"batch\":0";
  ASSERT_NE(text.find(told), std::string::npos);
  text.erase(text.find(told), told.size());

  auto back = journal::decode(text.substr(0, text.size() - 1));

  const auto start = *std::get<facts::run_started>(back[0].what);
  EXPECT_EQ(start.version, 7u);
  EXPECT_EQ(start.updates, 0u);
  EXPECT_EQ(start.best_version, 0u);
  EXPECT_FALSE(start.from.known());
  EXPECT_EQ(start.unit, "round");
}

TEST(journal_test, reads_updates_and_versions_from_before_models_were_mixed) {
  auto text = encoded({{1, at(1), an_update(1)},
      {2, at(1), facts::published{1, 2, 3, 4, 0.5, 0.25, 0.75}}});
  for (const std::string added : {",\"mixed\":[true]", ",\"scale\":0.75"}) {
    ASSERT_NE(text.find(added), std::string::npos) << added;
    text.erase(text.find(added), added.size());
  }

  std::vector<fact> back;
  journal::scan(text, [&](const fact& f) { back.push_back(f); });

  ASSERT_EQ(back.size(), 2u);
  EXPECT_FALSE(std::get<facts::accepted>(back[0].what).mixed);
  EXPECT_EQ(std::get<facts::published>(back[1].what).scale, 1.0);
}

TEST(journal_test, reads_losses_of_nodes_from_before_they_were_timed) {
  auto text = encoded({{1, at(1), facts::node_left{"a", 3, "why", true, 0.5}}});
  const std::string added = ",\"silence\":0.5";
  ASSERT_NE(text.find(added), std::string::npos) << text;
  text.erase(text.find(added), added.size());

  const auto back = journal::decode(text.substr(0, text.size() - 1));

  EXPECT_EQ(std::get<facts::node_left>(back[0].what).silence, 0.0);
}

TEST(journal_test, writes_what_shows_that_a_sum_is_that_of_its_updates) {
  auto varied = an_update(9);
  varied.drift = 0.125;
  auto text = encoded({{1, at(1), varied},
      {2, at(1),
          facts::published{
              1, 2, 3, 4, 0.5, 0.25, 0.75, 0.5, 0.625, 772, 9.5, {0.75, -2.0}}},
      {3, at(1), facts::stored{1, "sha", 0.5, "before"}}});

  EXPECT_EQ(text,
      "{\"fact\":\"accepted\",\"number\":1,\"count\":1,\"at\":1.000000,"
      "\"lease\":[9],\"client\":[7],\"base\":[3],\"staleness\":[1],"
      "\"samples\":[600],\"steps\":[60],\"weight\":[0.25],\"share\":[0.5],"
      "\"loss\":[1.5],\"seconds\":[0.01],\"mixed\":[true],"
      "\"handed_in\":[true],\"work\":[5],"
      "\"checksum\":[18446744073709551615],\"drift\":[0.125]}\n"
      "{\"fact\":\"published\",\"number\":2,\"at\":1.000000,\"version\":1,"
      "\"round\":2,\"updates\":3,\"total_updates\":4,\"loss\":0.5,"
      "\"seconds\":0.25,\"scale\":0.75,\"weight\":0.5,\"share\":0.625,"
      "\"checksum\":772,\"clock\":9.5,\"variate_keep\":0.75,"
      "\"variate_gain\":-2}\n"
      "{\"fact\":\"stored\",\"number\":3,\"at\":1.000000,\"version\":1,"
      "\"sha256\":\"sha\",\"seconds\":0.5,\"before\":\"before\"}\n");
}

TEST(journal_test, reads_facts_from_before_there_were_checksums) {
  auto text = encoded({{1, at(1), an_update(1)},
      {2, at(1), facts::published{1, 2, 3, 4, 0.5, 0.25, 0.75, 1, 2, 772}},
      {3, at(1), facts::stored{1, "sha", 0.5, "before"}}});
  for (const std::string added : {",\"handed_in\":[true],\"work\":[5],"
                                  "\"checksum\":[18446744073709551615]",
           ",\"weight\":1,\"share\":2,\"checksum\":772,\"clock\":0",
           ",\"before\":\"before\""}) {
    ASSERT_NE(text.find(added), std::string::npos) << added;
    text.erase(text.find(added), added.size());
  }

  std::vector<fact> back;
  journal::scan(text, [&](const fact& f) { back.push_back(f); });

  ASSERT_EQ(back.size(), 3u);
  const auto update = std::get<facts::accepted>(back[0].what);
  EXPECT_FALSE(update.handed_in);
  EXPECT_EQ(update.work, 0u);
  EXPECT_EQ(update.checksum, 0u);
  const auto version = std::get<facts::published>(back[1].what);
  EXPECT_EQ(version.weight, 0.0);
  EXPECT_EQ(version.share, 0.0);
  EXPECT_EQ(version.checksum, 0u);
  EXPECT_EQ(std::get<facts::stored>(back[2].what).before, "");
}

TEST(journal_test, keeps_a_loss_that_is_no_number_as_null) {
  auto bad = an_update(1);
  bad.loss = std::numeric_limits<double>::quiet_NaN();
  auto text = encoded({{1, at(0), bad}});

  EXPECT_NE(text.find("\"loss\":[null]"), std::string::npos);
  auto back = journal::decode(text.substr(0, text.size() - 1));
  EXPECT_TRUE(std::isnan(std::get<facts::accepted>(back[0].what).loss));
}

TEST(journal_test, leaves_out_a_torn_last_line) {
  auto text = encoded({{1, at(0), facts::requeued{1, 2}}});
  auto whole = text.size();
  text += encoded({{2, at(0), facts::requeued{3, 4}}}).substr(0, 20);

  std::size_t count = 0;
  auto found = journal::scan(text, [&](const fact&) { ++count; });

  EXPECT_EQ(count, 1u);
  EXPECT_EQ(found.last_number, 1u);
  EXPECT_EQ(found.sound_bytes, whole);
  EXPECT_EQ(found.torn_bytes, 20u);
}

TEST(journal_test, saves_what_can_be_told_of_a_spoilt_journal) {
  auto line = [](std::uint64_t number) {
    return encoded({{number, at(0), facts::requeued{1, 2}}});
  };
  auto spoilt = std::string(30, '\0') + "}\n";
  auto text = line(1) + line(2) + spoilt + line(4) + "###\n" + line(5) + "{";
  std::vector<std::uint64_t> sound;
  std::vector<std::uint64_t> lost;

  auto found = journal::salvage(
      text, [&](const fact& f) { sound.push_back(f.number); },
      [&](const fact& f) { lost.push_back(f.number); });

  EXPECT_EQ(sound, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(lost, (std::vector<std::uint64_t>{4, 5}));
  EXPECT_EQ(found.last_number, 2u);
  EXPECT_EQ(found.damage, "line 3: not a JSON object");
  EXPECT_EQ(found.sound_bytes, line(1).size() + line(2).size());
  EXPECT_EQ(found.sound_bytes + found.torn_bytes, text.size());
}

TEST(journal_test, names_the_line_that_is_no_fact) {
  auto line = encoded({{1, at(0), facts::requeued{1, 2}}});

  EXPECT_EQ(problem_of(line + "nonsense\n"), "line 2: not a JSON object");
  EXPECT_EQ(
      problem_of("{\"fact\":\"flood\"}\n"), "line 1: unknown fact \"flood\"");
  EXPECT_EQ(problem_of("{\"fact\":1e999}\n"), "line 1: not a JSON object");
  EXPECT_EQ(problem_of(line + line), "line 2: fact 1 follows fact 1");
  EXPECT_EQ(problem_of("{\"fact\":\"requeued\",\"number\":1,\"at\":0,"
                       "\"lease\":-1,\"client\":2}\n"),
      "line 1: field \"lease\" holds -1");
  EXPECT_EQ(problem_of("{\"fact\":\"leased\",\"number\":1,\"at\":0,\"count\":2,"
                       "\"lease\":[1],\"client\":[1,2],\"base\":[0,0]}\n"),
      "line 1: field \"lease\" is not an array of 2");
}

TEST(journal_test, takes_no_memory_for_a_count_without_facts) {
  EXPECT_NE(problem_of("{\"fact\":\"leased\",\"number\":1,\"at\":0,"
                       "\"count\":99999999999,\"lease\":[]}\n"),
      "");
}

TEST(journal_test, stands_by_what_was_not_voided) {
  auto text = encoded({{1, at(0), facts::requeued{1, 1}},
      {2, at(0), facts::requeued{2, 2}}, {3, at(0), facts::requeued{3, 3}},
      {4, at(0), facts::voided{2, 3, 0}}, {5, at(0), facts::requeued{4, 4}}});

  auto standing = journal::standing(text);

  ASSERT_EQ(standing.size(), 3u);
  EXPECT_EQ(standing[0].number, 1u);
  EXPECT_EQ(standing[1].number, 4u);
  EXPECT_EQ(standing[2].number, 5u);
}

} // namespace
} // namespace troupe
