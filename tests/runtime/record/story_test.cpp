#include "runtime/record/story.hpp"

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/record/journal.hpp"

namespace troupe::tests {
namespace {

using all_facts = std::vector<fact>;

template <class What>
void tell(all_facts& to, What what) {
  to.push_back({to.size() + 1, instant{}, std::move(what)});
}

// Two clients in each of two versions, and a process that goes on from the
// first of them and makes the second again.
all_facts sound() {
  all_facts result;
  const auto begin = [&](std::uint64_t incarnation, version_id version,
                         const char* sha256) {
    facts::run_header header;
    header.name = "a";
    header.incarnation = incarnation;
    header.version = version;
    header.sha256 = sha256;
    tell(result, facts::run_started{header});
  };
  const auto version = [&](version_id number, lease_id first,
                           std::uint64_t total) {
    for (client_id c : {0, 1})
      tell(result, facts::leased{first + c, c, number - 1});
    for (client_id c : {0, 1})
      tell(
          result, facts::accepted{first + c, c, number - 1, 0, 10, 5, 0.25, 0.5,
                      c == 0 ? 1.0 : 3.0, 0.1, false, false, 0, ~number + c});
    tell(result, facts::published{number, number, 2, total, 2.0, 0.1, 1.0, 0.5,
                     1.0, 2 * ~number + 1});
  };
  begin(0, 0, "zero");
  version(1, 1, 2);
  tell(result, facts::stored{1, "one", 0.1, "zero"});
  version(2, 3, 4);
  tell(result, facts::stored{2, "two", 0.1, "one"});
  const auto last = result.size();
  tell(result, facts::voided{8, last, 1});
  begin(1, 1, "one");
  version(2, 1001, 4);
  tell(result, facts::stored{2, "two", 0.1, "one"});
  tell(result, facts::run_ended{"completed", "", 2});
  return result;
}

// Four steps in two versions; ranks are lost behind the third, and the others
// go on from the second.
all_facts of_a_mesh() {
  all_facts result;
  tell(result, facts::run_started{facts::run_header{}});
  tell(result, facts::mesh_formed{1, 3, 0});
  tell(result, facts::stepped{0, 2, 1, 3, 128});
  tell(result, facts::published{2, 2, 128, 128});
  tell(result, facts::stepped{2, 3, 1, 3, 64});
  tell(result, facts::rank_lost{1, 2, 3});
  tell(result, facts::mesh_formed{2, 2, 2});
  tell(result, facts::stepped{2, 4, 2, 2, 128});
  tell(result, facts::published{4, 4, 128, 256});
  tell(result, facts::run_ended{"completed", "", 4});
  return result;
}

template <class What>
What& nth(all_facts& of, std::size_t n) {
  for (auto& f : of)
    if (auto* x = std::get_if<What>(&f.what); x && n-- == 0)
      return *x;
  throw std::out_of_range{"no such fact"};
}

story told_by(const all_facts& what) {
  std::string journal;
  journal::encode(what, journal);
  auto result = read_story(journal);
  follow_updates(result);
  follow_links(result);
  return result;
}

// What contradicts what; empty: nothing does.
std::string problem_of(const all_facts& what) {
  try {
    told_by(what);
  } catch (const contradiction& error) {
    return error.what();
  }
  return {};
}

TEST(story_test, finds_a_run_sound_that_was_taken_up) {
  EXPECT_EQ(problem_of(sound()), "");

  const auto told = told_by(sound());
  EXPECT_EQ(told.updates, 4u);
  EXPECT_EQ(told.steps, 10u);
  EXPECT_EQ(told.summed, 2u);
  EXPECT_EQ(told.processes, 2u);
  EXPECT_EQ(follow_links(told), 3u);
  ASSERT_TRUE(told.ended);
}

TEST(story_test, takes_no_end_for_one_that_a_process_has_gone_on_from) {
  auto all = sound();
  facts::run_header header;
  header.incarnation = 2;
  header.version = 2;
  tell(all, facts::run_started{header});

  EXPECT_FALSE(told_by(all).ended);
}

TEST(story_test, asks_nothing_of_a_run_from_before_there_were_sums) {
  auto all = sound();
  for (auto& f : all) {
    if (auto* x = std::get_if<facts::accepted>(&f.what))
      x->checksum = 0;
    if (auto* x = std::get_if<facts::published>(&f.what))
      x->weight = x->share = 0.0, x->checksum = 0;
    if (auto* x = std::get_if<facts::stored>(&f.what))
      x->before.clear();
  }

  EXPECT_EQ(problem_of(all), "");
  EXPECT_EQ(told_by(all).summed, 0u);
}

struct spoiling {
  const char* name;
  std::function<void(all_facts&)> make;
  const char* said;
};
std::ostream& operator<<(std::ostream& out, const spoiling& x) {
  return out << x.name;
}

class spoilt_story_test : public testing::TestWithParam<spoiling> {};

TEST_P(spoilt_story_test, is_named) {
  auto all = sound();

  GetParam().make(all);

  EXPECT_NE(problem_of(all).find(GetParam().said), std::string::npos)
      << problem_of(all);
}

// The first two versions' updates are 0 to 3, the standing ones 0, 1, 4, 5.
INSTANTIATE_TEST_SUITE_P(story, spoilt_story_test,
    testing::Values(
        spoiling{"lease_twice",
            [](all_facts& all) {
              nth<facts::leased>(all, 5).lease = 1001;
              nth<facts::leased>(all, 5).client = 0;
              nth<facts::accepted>(all, 5).lease = 1001;
              nth<facts::accepted>(all, 5).client = 0;
            },
            "the update of lease 1001 (client 0) was accepted twice"},
        spoiling{"never_leased",
            [](all_facts& all) { nth<facts::accepted>(all, 4).lease = 7; },
            "lease 7 is of client 0 to version 1, which was not leased so"},
        spoiling{"lease_left_out",
            [](all_facts& all) {
              all[2].what = facts::requeued{77, 0};
            },
            "of client 1 to version 0, which was not leased so"},
        spoiling{"accepted_though_requeued",
            [](all_facts& all) {
              all.insert(all.begin() + 3, {4, {}, facts::requeued{1, 0}});
              for (std::size_t i = 4; i < all.size(); ++i)
                ++all[i].number;
              ++nth<facts::voided>(all, 0).first;
              ++nth<facts::voided>(all, 0).last;
            },
            "lease 1 (client 0) was accepted, though the lease had been"},
        spoiling{"update_left_out",
            [](all_facts& all) { nth<facts::published>(all, 0).updates = 3; },
            "version 1 is made of 3 updates, but 2 accepted for it"},
        spoiling{"total",
            [](all_facts& all) {
              nth<facts::published>(all, 2).total_updates = 5;
            },
            "version 2 counts 5 updates in all, but 4 were accepted"},
        spoiling{"version_left_out",
            [](all_facts& all) { nth<facts::published>(all, 2).version = 3; },
            "version 3 follows version 1"},
        spoiling{"staleness",
            [](all_facts& all) { nth<facts::accepted>(all, 0).staleness = 2; },
            "the update of lease 1 is 2 versions late by its own account"},
        spoiling{"weight",
            [](all_facts& all) { nth<facts::accepted>(all, 0).weight = 0.26; },
            "version 1 was made with the weight 0.5, but its updates have"},
        spoiling{"weight_beyond_its_share",
            [](all_facts& all) { nth<facts::accepted>(all, 0).weight = 0.75; },
            "lease 1 (client 0) has weight 0.75 and share 0.5"},
        spoiling{"share",
            [](all_facts& all) { nth<facts::accepted>(all, 0).share = 0.625; },
            "version 1 was made with the denominator 1, but its updates have "
            "1.125"},
        spoiling{"denominator",
            [](all_facts& all) { nth<facts::published>(all, 2).share = 1.5; },
            "version 2 was made with the denominator 1.5"},
        spoiling{"loss",
            [](all_facts& all) { nth<facts::published>(all, 0).loss = 2.5; },
            "version 1 has the mean training loss 2.5, but its updates have 2"},
        spoiling{"contribution",
            [](all_facts& all) { nth<facts::accepted>(all, 1).checksum ^= 1; },
            "it is not the sum of them"},
        spoiling{"sum",
            [](all_facts& all) { nth<facts::published>(all, 0).checksum ^= 1; },
            "the sum of version 1 has the checksum"},
        spoiling{"checksum_cut_out",
            [](all_facts& all) {
              auto& x = nth<facts::published>(all, 0);
              x.weight = x.share = 0.0;
              x.checksum = 0;
            },
            "version 1 was made with the weight 0"},
        spoiling{"digest",
            [](all_facts& all) { nth<facts::stored>(all, 0).sha256 = "1"; },
            "version 2 names one as the one before it, which is 1"},
        spoiling{"digest_before",
            [](all_facts& all) { nth<facts::stored>(all, 0).before = "1"; },
            "version 1 names 1 as the one before it, which is zero"},
        spoiling{"taken_up_from",
            [](all_facts& all) {
              facts::run_header header;
              header.incarnation = 1;
              header.version = 1;
              header.sha256 = "other";
              nth<facts::run_started>(all, 1) = facts::run_started{header};
            },
            "a process went on from version 1 with the parameters other, which "
            "were stored as one"},
        spoiling{"fact_cut_out",
            [](all_facts& all) { all.erase(all.begin() + 9); },
            "fact 10 is missing"}),
    [](const auto& x) { return std::string{x.param.name}; });

story steps_told_by(const all_facts& what) {
  std::string journal;
  journal::encode(what, journal);
  auto result = read_story(journal);
  follow_steps(result);
  return result;
}

std::string breach(const all_facts& what) {
  try {
    steps_told_by(what);
  } catch (const contradiction& error) {
    return error.what();
  }
  return "none";
}

TEST(story_test, follows_the_steps_of_a_mesh_that_lost_a_rank) {
  const auto told = steps_told_by(of_a_mesh());

  EXPECT_EQ(told.version(), 4u);
  EXPECT_EQ(told.updates, 256u);
  EXPECT_EQ(told.steps, 5u) << "one of them twice";
  ASSERT_TRUE(told.ended);
}

TEST(story_test, finds_steps_that_nobody_made) {
  auto gap = of_a_mesh();
  nth<facts::stepped>(gap, 2).first = 3;
  auto ahead = of_a_mesh();
  nth<facts::mesh_formed>(ahead, 1).step = 4;
  auto early = of_a_mesh();
  nth<facts::published>(early, 1).version = 3;

  EXPECT_EQ(breach(gap), "the steps from 3 to 4 follow step 2");
  EXPECT_EQ(breach(ahead), "the ranks begin at step 4, and the last one was 3");
  EXPECT_EQ(breach(early), "version 3 comes behind version 2, at step 4");
}

} // namespace
} // namespace troupe::tests
