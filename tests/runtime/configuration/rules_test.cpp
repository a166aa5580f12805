#include "runtime/configuration/rules.hpp"

#include <gmock/gmock.h>

#include <cctype>
#include <set>

namespace troupe {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

federated::settings common() {
  return {.seed = 1, .rounds = 3};
}

TEST(rules_test, have_a_name_a_meaning_and_a_unit_each) {
  std::set<std::string_view> names;
  for (const auto& row : rules()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_THAT(row.meaning, Not(IsEmpty())) << row.name;
    EXPECT_LE(row.meaning.size(), 60u) << row.name;
    EXPECT_THAT(row.unit, AnyOf("round", "version")) << row.name;
    EXPECT_THAT(row.pace(row.defaults, 100), Not(IsEmpty())) << row.name;
    EXPECT_GT(row.cohort(row.defaults, 100), 0u) << row.name;
    EXPECT_EQ(find_rule(row.name), &row);
    EXPECT_EQ(find_rule(row.defaults.type()), &row);
  }
}

TEST(rules_test, are_fedavg_where_nothing_is_said) {
  EXPECT_EQ(rules().front().name, configuration{}.federation.rule);
}

TEST(rules_test, are_none_that_nobody_knows) {
  EXPECT_EQ(find_rule("fedavgg"), nullptr);
  EXPECT_EQ(find_rule(typeid(int)), nullptr);
}

TEST(rules_test, begin_and_grant_from_their_rows_alone) {
  for (const auto& row : rules()) {
    auto rule = row.make(row.defaults, common());
    federated::decisions said;
    for (client_id client = 0; client < 100; ++client)
      rule.join(client, 10, {}, said);

    rule.begin(0, {}, said);

    EXPECT_THAT(said.grants, Not(IsEmpty())) << row.name;
    EXPECT_EQ(rule.common().rounds, 3u) << row.name;
  }
}

TEST(rules_test, agree_on_what_a_key_of_several_may_be) {
  for (const auto& one : rules())
    for (const auto& other : rules())
      for (const auto& key : one.keys) {
        auto same = other.find(key.name);
        if (!same)
          continue;
        EXPECT_EQ(same->meaning, key.meaning) << key.name;
        EXPECT_EQ(same->numbers.text(), key.numbers.text()) << key.name;
        EXPECT_EQ(same->at_most_clients, key.at_most_clients) << key.name;
        EXPECT_EQ(
            same->get(other.defaults).index(), key.get(one.defaults).index())
            << key.name;
      }
}

TEST(rules_test, have_defaults_that_contradict_nothing) {
  for (const auto& row : rules())
    row.check(row.defaults, 100, [&](std::string_view key, std::string why) {
      ADD_FAILURE() << row.name << ": " << key << " " << why;
    });
}

} // namespace
} // namespace troupe
