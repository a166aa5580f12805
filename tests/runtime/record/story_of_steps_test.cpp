// What the journal of a mesh proves by itself.

#include <functional>
#include <stdexcept>

#include <gtest/gtest.h>

#include "runtime/record/journal.hpp"
#include "runtime/record/story.hpp"

namespace troupe::tests {
namespace {

using all_facts = std::vector<fact>;

template <class What>
void tell(all_facts& to, What what) {
  to.push_back({to.size() + 1, instant{}, std::move(what)});
}

void begin(all_facts& to, std::uint64_t incarnation, version_id version) {
  facts::run_header header;
  header.name = "a";
  header.rule = "all_reduce";
  header.unit = "step";
  header.batch = 8;
  header.slots = 2;
  header.incarnation = incarnation;
  header.version = version;
  header.updates = 8 * version;
  tell(to, facts::run_started{header});
}

void forms(all_facts& to, std::uint64_t epoch, std::uint64_t ranks,
    std::uint64_t step, std::string why = {}) {
  tell(to, facts::mesh_formed{epoch, ranks, step, 0.1, {}, std::move(why)});
}

void steps(all_facts& to, std::uint64_t epoch, std::uint64_t ranks,
    std::uint64_t first, std::uint64_t last, double loss) {
  tell(to, facts::stepped{first, last, epoch, ranks, 8 * (last - first), loss,
               0.1, 0.05, 100});
}

void version(
    all_facts& to, std::uint64_t step, std::uint64_t before, double loss) {
  tell(to,
      facts::published{step, step, 8 * (step - before), 8 * step, loss, 0.1});
}

// Two ranks, of which one is lost behind a stretch that nobody told of; then
// all of them, so that what was kept is gone back to; then another process.
all_facts sound() {
  all_facts result;
  begin(result, 0, 0);
  forms(result, 1, 2, 0);
  steps(result, 1, 2, 0, 3, 2.0);
  steps(result, 1, 2, 3, 10, 1.0);
  version(result, 10, 0, 1.3);
  steps(result, 1, 2, 10, 14, 1.0);
  tell(result, facts::rank_lost{1, 1, 14, {}, "it has died"});
  steps(result, 2, 0, 14, 16, 0.0);
  forms(result, 2, 1, 16, "it has died");
  steps(result, 2, 1, 16, 20, 3.0);
  version(result, 20, 10, 2.0);
  steps(result, 2, 1, 20, 25, 1.0);
  tell(result, facts::rank_lost{2, 0, 25, {}, "it has died"});
  forms(result, 3, 2, 10, "it has died");
  steps(result, 3, 2, 10, 20, 0.5);
  version(result, 20, 10, 0.5);
  tell(result, facts::stored{20, "twenty", 0.1, ""});
  steps(result, 3, 2, 20, 25, 0.5);
  tell(result, facts::voided{17, 18, 20});
  begin(result, 1, 20);
  forms(result, (std::uint64_t{1} << 32) + 1, 3, 20);
  steps(result, (std::uint64_t{1} << 32) + 1, 3, 20, 30, 0.25);
  version(result, 30, 20, 0.25);
  tell(result, facts::run_ended{"completed", "", 30});
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

TEST(story_of_steps_test, finds_a_mesh_sound_that_went_back_and_was_taken_up) {
  EXPECT_EQ(problem_of(sound()), "");

  const auto told = told_by(sound());
  EXPECT_TRUE(told.of_mesh());
  EXPECT_EQ(told.version(), 30u);
  EXPECT_EQ(told.updates, 240u);
  EXPECT_EQ(told.steps, 10u);
  EXPECT_EQ(told.totals.size(), 3u);
  EXPECT_EQ(told.mesh.again, 15u);
  EXPECT_EQ(told.mesh.lost, 2u);
  EXPECT_EQ(told.mesh.compositions, 4u);
  EXPECT_EQ(told.mesh.processes, 2u);
  ASSERT_TRUE(told.ended);
}

TEST(story_of_steps_test, counts_rows_that_were_gone_back_behind_once) {
  all_facts all;
  begin(all, 0, 0);
  forms(all, 1, 2, 0);
  steps(all, 1, 2, 0, 10, 1.0);
  version(all, 10, 0, 1.0);
  tell(all, facts::evaluated{10, 5, 0.5, 0.75, 0.1});
  steps(all, 1, 2, 10, 15, 1.0);
  tell(all, facts::rank_lost{1, 1, 15, {}, "it has died"});
  forms(all, 2, 1, 0, "it has died");

  EXPECT_EQ(problem_of(all), "");
  EXPECT_TRUE(told_by(all).scores.empty());
  EXPECT_TRUE(told_by(all).history.mend({}).empty());
}

struct spoiling {
  const char* name;
  std::function<void(all_facts&)> make;
  const char* said;
};
std::ostream& operator<<(std::ostream& out, const spoiling& x) {
  return out << x.name;
}

class spoilt_steps_test : public testing::TestWithParam<spoiling> {};

TEST_P(spoilt_steps_test, is_named) {
  auto all = sound();

  GetParam().make(all);

  EXPECT_NE(problem_of(all).find(GetParam().said), std::string::npos)
      << problem_of(all);
}

INSTANTIATE_TEST_SUITE_P(steps, spoilt_steps_test,
    testing::Values(
        spoiling{"gap",
            [](all_facts& all) { nth<facts::stepped>(all, 1).first = 4; },
            "the steps from 4 to 10 follow step 3"},
        spoiling{"stretch_twice",
            [](all_facts& all) { nth<facts::stepped>(all, 1).first = 0; },
            "the steps from 0 to 10 follow step 3"},
        spoiling{"samples",
            [](all_facts& all) { nth<facts::stepped>(all, 1).samples = 55; },
            "the steps from 3 to 10 are of 55 samples, and a batch of 8"},
        spoiling{"ranks",
            [](all_facts& all) { nth<facts::stepped>(all, 0).ranks = 3; },
            "3 ranks of epoch 1 made the steps behind 0, and there are 2"},
        spoiling{"epoch",
            [](all_facts& all) { nth<facts::stepped>(all, 4).epoch = 1; },
            "1 rank of epoch 1 made the steps behind 16"},
        spoiling{"epochs_in_order",
            [](all_facts& all) { nth<facts::mesh_formed>(all, 1).epoch = 1; },
            "epoch 1 comes behind epoch 1"},
        spoiling{"ahead_of_what_was_made",
            [](all_facts& all) { nth<facts::mesh_formed>(all, 1).step = 18; },
            "the ranks begin at step 18, and the last one was 16"},
        spoiling{"back_to_nowhere",
            [](all_facts& all) { nth<facts::mesh_formed>(all, 2).step = 12; },
            "the ranks go back to step 12, which was no version"},
        spoiling{"version_elsewhere",
            [](all_facts& all) { nth<facts::published>(all, 0).version = 9; },
            "version 9 comes behind version 0, at step 10"},
        spoiling{"samples_of_a_version",
            [](all_facts& all) { nth<facts::published>(all, 1).updates = 72; },
            "version 20 counts 72 samples"},
        spoiling{"total",
            [](all_facts& all) {
              nth<facts::published>(all, 3).total_updates = 239;
            },
            "version 30 counts 80 samples and 239 in all"},
        spoiling{"loss",
            [](all_facts& all) { nth<facts::published>(all, 0).loss = 1.5; },
            "version 10 has the mean training loss 1.5, but its steps have"},
        spoiling{"another_beginning",
            [](all_facts& all) { nth<facts::mesh_formed>(all, 3).step = 10; },
            "the ranks begin at step 10, and the last one was 20"}),
    [](const auto& x) { return std::string{x.param.name}; });

} // namespace
} // namespace troupe::tests
