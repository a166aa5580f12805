// What people read of a mesh.

#include <gmock/gmock.h>

#include "monitoring/progress_line.hpp"
#include "monitoring/wording.hpp"
#include "tests/monitoring/mesh_story.hpp"

namespace troupe::monitoring {

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class progress_ranks_test : public testing::Test {
protected:
  std::vector<std::string> said() {
    std::vector<remark> remarks;
    for (const auto& f : story_.told())
      line_.hear(f, remarks);
    std::vector<std::string> texts;
    for (const auto& r : remarks)
      texts.push_back(r.text);
    return texts;
  }

  void start() {
    story_.then(mesh_start())
        .then(facts::mesh_formed{
            .epoch = 1, .ranks = 2, .nodes = "this process: 2"});
    said();
  }

  void steps(std::uint64_t first, std::uint64_t last) {
    for (auto step = first; step < last; step += 10)
      story_.after(1s).then(stepped(step, step + 10));
  }

  void version(std::uint64_t step, double accuracy) {
    story_
        .then(facts::published{.version = step,
            .round = step,
            .updates = 6400,
            .total_updates = 64 * step,
            .loss = 0.75,
            .seconds = 10.0})
        .then(facts::evaluated{.version = step,
            .samples = 10000,
            .loss = 0.5,
            .accuracy = accuracy});
  }

  story story_;
  progress_line line_;
};

TEST_F(progress_ranks_test, introduces_the_mesh) {
  story_.then(mesh_start())
      .then(facts::mesh_formed{
          .epoch = 1, .ranks = 2, .nodes = "this process: 2"});

  EXPECT_THAT(
      said(), ElementsAre("mlp: all_reduce, 2 ranks, 300 steps of 64 samples, "
                          "199,210 parameters, seed 1"));
}

TEST_F(progress_ranks_test, says_what_it_is_taken_up_from) {
  auto resumed = mesh_start(1);
  resumed.incarnation = 1;
  resumed.version = 120;
  story_.then(resumed);

  EXPECT_THAT(said(),
      ElementsAre("mlp: all_reduce, 1 rank, 300 steps of 64 samples, "
                  "199,210 parameters, seed 1, taken up from step 120"));
}

TEST_F(progress_ranks_test, tells_every_evaluation_by_steps) {
  start();
  steps(0, 100);
  version(100, 0.7705);

  EXPECT_THAT(said(), ElementsAre("step 100/300  accuracy 0.7705  loss 0.5000  "
                                  "10.0 steps/s  eta 00:20"));
}

TEST_F(progress_ranks_test, counts_what_comes_between_steps_into_the_eta) {
  start();
  for (std::uint64_t step = 0; step < 100; step += 10)
    story_.after(2s).then(stepped(step, step + 10));
  version(100, 0.7705);

  EXPECT_THAT(
      said(), ElementsAre(testing::HasSubstr("10.0 steps/s  eta 00:40")));
}

TEST_F(progress_ranks_test, sums_up_a_run_that_is_done) {
  start();
  steps(0, 200);
  version(200, 0.81);
  steps(200, 300);
  version(300, 0.8);
  story_.then(ended("completed", 300));

  EXPECT_EQ(said().back(),
      "completed: step 300/300  accuracy 0.8000  loss 0.5000  best 0.8100 at "
      "step 200  19,200 samples in 00:30");
}

TEST_F(progress_ranks_test, names_a_lost_rank_and_who_goes_on) {
  start();
  steps(0, 120);
  story_.then(rank_lost(1, 120)).then(formed_anew(1, 120));

  EXPECT_THAT(said(), ElementsAre("rank 1 is lost behind step 120: it has died",
                          "going on with 1 rank from step 120, after 0.03 s"));
}

TEST_F(progress_ranks_test, says_why_others_come_together) {
  start();
  auto joined = formed_anew(3, 1200);
  joined.why = "one more rank is there";
  story_.then(joined);

  EXPECT_THAT(
      said(), ElementsAre("going on with 3 ranks from step 1,200, after "
                          "0.03 s: one more rank is there"));
}

TEST_F(progress_ranks_test, says_at_which_nodes_ranks_are) {
  story_.then(mesh_start())
      .then(facts::node_changed{.name = "b", .state = "member", .members = 1})
      .then(facts::mesh_formed{
          .epoch = 1, .ranks = 2, .nodes = "this process: 1, b: 1"});
  auto lost = rank_lost(1, 0);
  lost.node = "b";
  story_.then(lost);

  const auto lines = said();
  EXPECT_EQ(lines[1], "2 ranks (this process: 1, b: 1)");
  EXPECT_EQ(lines[2], "rank 1 of node b is lost behind step 0: it has died");
}

TEST_F(progress_ranks_test, says_that_it_waits_for_ranks) {
  start();
  story_.then(facts::waiting{"ranks", 1, 2}).then(facts::went_on{"ranks"});

  EXPECT_THAT(said(), ElementsAre("waiting for ranks: 1 of 2 are there",
                          "going on: enough ranks are there"));
  EXPECT_THAT(line_.live(79), testing::HasSubstr("1 rank"));
}

TEST_F(progress_ranks_test, shows_how_far_the_steps_are) {
  start();
  steps(0, 150);
  said();

  EXPECT_EQ(line_.live(112),
      "mlp  [=================>                ]  step 150/300  training loss "
      "0.7500  2 ranks  10.0 steps/s  eta 00:15");
  EXPECT_EQ(line_.live(30), "step 150/300  eta 00:15");
}

TEST_F(progress_ranks_test, follows_a_mesh_that_goes_back) {
  start();
  steps(0, 150);
  story_.then(rank_lost(1, 150)).then(formed_anew(1, 100));
  said();

  EXPECT_THAT(line_.live(79), testing::HasSubstr("step 100/300"));
}

} // namespace

} // namespace troupe::monitoring
