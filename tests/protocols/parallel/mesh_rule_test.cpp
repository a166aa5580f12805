// The rule of a mesh, alone: under any order of arrivals, losses, breaks and
// joins it makes each step once, in order, and comes to an end.
#include "protocols/parallel/mesh.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gmock/gmock.h>

namespace troupe::parallel {
namespace {

using namespace std::chrono_literals;

instant at(int milliseconds) {
  return instant{std::chrono::milliseconds{milliseconds}};
}

tensor values() {
  return std::make_shared<gpu::buffer>(1);
}

mesh_settings settings(step_id steps, std::uint32_t wanted) {
  mesh_settings result;
  result.steps = steps;
  result.evaluate_every = 7;
  result.checkpoint_every = 5;
  result.wanted = wanted;
  return result;
}

template <class What>
std::vector<What> all(const decisions& said) {
  std::vector<What> result;
  for (const auto& one : said)
    if (const auto* what = std::get_if<What>(&one))
      result.push_back(*what);
  return result;
}

template <class What>
std::vector<std::pair<seat_id, What>> orders(const decisions& said) {
  std::vector<std::pair<seat_id, What>> result;
  for (const auto& one : all<order>(said))
    if (const auto* what = std::get_if<What>(&one.what))
      result.emplace_back(one.seat, *what);
  return result;
}

/// Ranks that do as they are told, in their order, whenever they are let.
class theatre {
public:
  theatre(mesh_settings how, std::uint64_t seed)
      : rule_(how, {}), how_(how), random_(seed) {}

  decisions said;
  std::vector<stretch> made;
  std::vector<version> versions;
  std::vector<score> scores;
  std::vector<ended> ends;
  std::set<epoch_id> epochs;
  std::size_t formations = 0;
  std::size_t returns = 0; ///< to what was kept

  mesh& rule() { return rule_; }

  void begin() {
    rule_.begin(now_, said);
    settle();
  }
  void sit() {
    const auto seat = next_++;
    ranks_[seat];
    rule_.sit(seat, true, now_, said);
    settle();
  }
  void stop() {
    rule_.stop(now_, said);
    settle();
  }
  void leave(seat_id seat) {
    ranks_.erase(seat);
    rule_.leave({seat}, "it died", now_, said);
    settle();
  }
  void break_at(seat_id seat) {
    auto& one = ranks_.at(seat);
    if (one.epoch == 0)
      return;
    rule_.hear(broken{std::exchange(one.epoch, 0), seat, one.step, nobody,
                   "a socket was closed"},
        now_, said);
    settle();
  }
  std::vector<seat_id> seats() const {
    std::vector<seat_id> result;
    for (const auto& [seat, one] : ranks_)
      result.push_back(seat);
    return result;
  }
  /// One rank carries out its next order, or the disk is through; false:
  /// nobody has anything to do.
  bool go_on() {
    now_ += 1ms;
    std::vector<seat_id> able;
    for (const auto& [seat, one] : ranks_)
      if (!one.todo.empty())
        able.push_back(seat);
    const auto disk = to_store_.empty() ? 0u : 1u;
    if (able.size() + disk == 0)
      return false;
    const auto which = below(able.size() + disk);
    if (which == able.size()) {
      const auto step = to_store_.front();
      to_store_.pop_front();
      rule_.stored(step, said);
    } else {
      carry_out(able[which]);
    }
    settle();
    return true;
  }
  std::size_t below(std::size_t n) { return random_() % n; }

private:
  struct actor {
    epoch_id epoch = 0;
    bool has_state = false;
    step_id step = 0;
    std::deque<order> todo;
  };

  void carry_out(seat_id seat) {
    auto& one = ranks_.at(seat);
    const auto what = one.todo.front();
    one.todo.pop_front();
    std::visit([&](const auto& x) { perform(one, seat, x); }, what.what);
  }
  void perform(actor& one, seat_id seat, const convene& x) {
    one.epoch = x.epoch;
    rule_.hear(
        convened{x.epoch, seat, one.has_state, one.step, "here"}, now_, said);
  }
  void perform(actor& one, seat_id seat, const muster& x) {
    if (x.epoch != one.epoch)
      return;
    one.has_state = true;
    one.step = x.step;
    rule_.hear(mustered{x.epoch, seat}, now_, said);
  }
  void perform(actor& one, seat_id seat, const advance& x) {
    if (x.epoch != one.epoch)
      return;
    EXPECT_EQ(one.step, x.first) << "a step is left out, or made again";
    EXPECT_LT(x.first, x.last);
    one.step = x.last;
    advanced sums{x.epoch, seat, x.last, x.last - x.first};
    sums.seconds = 0.001;
    rule_.hear(sums, now_, said);
  }
  void perform(actor& one, seat_id seat, const assess& x) {
    if (x.epoch != one.epoch)
      return;
    EXPECT_EQ(one.step, x.step);
    rule_.hear(assessed{x.epoch, seat, x.step, {1, 1, 0.5}}, now_, said);
  }
  void perform(actor& one, seat_id seat, const hand_over& x) {
    if (x.epoch != one.epoch)
      return;
    EXPECT_EQ(one.step, x.step);
    rule_.hear(handed{x.epoch, seat, x.step, values(), {}}, now_, said);
  }

  void settle() {
    for (const auto& one : said)
      std::visit([this](const auto& x) { note(x); }, one);
    said.clear();
  }
  void note(const order& x) {
    EXPECT_TRUE(ends.empty()) << "an order behind the end";
    if (const auto at = ranks_.find(x.seat); at != ranks_.end())
      at->second.todo.push_back(x);
  }
  void note(const formed& x) {
    EXPECT_TRUE(epochs.insert(x.epoch).second);
    EXPECT_LE(x.seats.size(), how_.wanted);
    ++formations;
    EXPECT_LE(x.step, made_) << "steps that nobody has told of";
    returns += x.step < made_;
    made_ = x.step;
    published_ = std::min(published_, made_);
  }
  void note(const stretch& x) {
    EXPECT_EQ(x.first, made_);
    made_ = x.last;
    made.push_back(x);
  }
  void note(const version& x) {
    EXPECT_EQ(x.step, made_);
    EXPECT_EQ(x.samples, how_.batch * (x.step - published_));
    published_ = x.step;
    versions.push_back(x);
  }
  void note(const score& x) { scores.push_back(x); }
  void note(const keep& x) {
    EXPECT_TRUE(to_store_.empty()) << "two are stored at once";
    EXPECT_TRUE(std::ranges::any_of(versions, [&](const version& one) {
      return one.step == x.step;
    })) << "it keeps what was no version";
    to_store_.push_back(x.step);
  }
  void note(const lost&) {}
  void note(const waits&) {}
  void note(const ended& x) { ends.push_back(x); }

  mesh rule_;
  mesh_settings how_;
  std::mt19937_64 random_;
  std::map<seat_id, actor> ranks_;
  std::deque<step_id> to_store_;
  seat_id next_ = 0;
  step_id made_ = 0;
  step_id published_ = 0;
  instant now_ = at(0);
};

std::vector<step_id> steps_of(const std::vector<score>& scores) {
  std::vector<step_id> result;
  for (const auto& one : scores)
    result.push_back(one.step);
  return result;
}

TEST(mesh_rule_test, begins_when_all_are_there) {
  theatre scene{settings(20, 2), 1};
  scene.begin();
  scene.sit();
  EXPECT_FALSE(scene.go_on());

  scene.sit();
  while (scene.go_on()) {
  }

  ASSERT_EQ(scene.ends.size(), 1u);
  EXPECT_EQ(scene.ends[0].what, ended::how::completed);
  EXPECT_THAT(steps_of(scene.scores), testing::ElementsAre(7, 14, 20));
  EXPECT_EQ(scene.rule().held().step, 20u);
}

TEST(mesh_rule_test, makes_every_step_whoever_comes_goes_and_breaks) {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    const auto wanted = 1 + seed % 4;
    auto how = settings(40, static_cast<std::uint32_t>(wanted));
    how.tries = 1000;
    how.sharded = seed % 3 == 0;
    how.open = true;
    theatre scene{how, seed};
    scene.begin();
    for (std::size_t i = 0; i < wanted; ++i)
      scene.sit();
    for (int turn = 0; turn < 10'000 && scene.ends.empty(); ++turn) {
      const auto chance = turn < 300 ? scene.below(100) : 99;
      const auto seats = scene.seats();
      if (chance < 2 && seats.size() > 1)
        scene.leave(seats[scene.below(seats.size())]);
      else if (chance < 4 && seats.size() < wanted + 2)
        scene.sit();
      else if (chance < 6 && !seats.empty())
        scene.break_at(seats[scene.below(seats.size())]);
      else if (!scene.go_on())
        scene.sit();
    }

    ASSERT_EQ(scene.ends.size(), 1u);
    EXPECT_EQ(scene.ends[0].what, ended::how::completed);
    EXPECT_EQ(scene.made.back().last, 40u);
    EXPECT_EQ(scene.rule().held().step, 40u);
    // What is made again is scored again, and told of by its samples again.
    const auto scored = steps_of(scene.scores);
    EXPECT_THAT(std::set<step_id>(scored.begin(), scored.end()),
        testing::ElementsAre(7, 14, 21, 28, 35, 40));
    if (scene.returns == 0) {
      EXPECT_EQ(scored.size(), 6u);
    }
    if (testing::Test::HasFailure())
      return;
  }
}

TEST(mesh_rule_test, stops_soon_and_keeps_what_was_made) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    theatre scene{settings(1000, 3), seed};
    scene.begin();
    for (int i = 0; i < 3; ++i)
      scene.sit();
    for (std::uint64_t turn = 0; turn < seed; ++turn)
      scene.go_on();
    scene.stop();
    while (scene.ends.empty() && scene.go_on()) {
    }

    ASSERT_EQ(scene.ends.size(), 1u);
    if (scene.ends[0].what == ended::how::stopped) {
      EXPECT_EQ(scene.rule().held().step, scene.rule().made());
    }
  }
}

TEST(mesh_rule_test, gives_up_where_no_composition_makes_a_step) {
  auto how = settings(10, 2);
  how.tries = 3;
  theatre scene{how, 1};
  scene.begin();
  scene.sit();
  scene.sit();
  for (int i = 0; i < 100 && scene.ends.empty(); ++i) {
    scene.go_on();
    if (scene.formations > 0)
      scene.break_at(0);
  }

  ASSERT_EQ(scene.ends.size(), 1u);
  EXPECT_EQ(scene.ends[0].what, ended::how::failed);
  EXPECT_EQ(scene.ends[0].why, "a socket was closed");
}

TEST(mesh_rule_test, waits_for_enough_and_says_so) {
  auto how = settings(10, 3);
  how.least = 2;
  how.open = true;
  mesh rule{how, {}};
  decisions said;
  rule.begin(at(0), said);
  EXPECT_EQ(all<waits>(said).back().wanted, 3u);
  for (seat_id seat = 0; seat < 3; ++seat)
    rule.sit(seat, true, at(1), said);
  EXPECT_EQ(all<waits>(said).back().wanted, 0u);
  said.clear();

  rule.leave({0}, "it died", at(2), said);
  EXPECT_EQ(orders<convene>(said).size(), 2u);
  rule.leave({1}, "it died", at(3), said);

  EXPECT_EQ(all<waits>(said).back().have, 1u);
  EXPECT_EQ(all<waits>(said).back().wanted, 2u);
}

TEST(mesh_rule_test, tells_of_a_nodes_ranks_together) {
  auto how = settings(10, 4);
  how.open = true;
  mesh rule{how, {}};
  decisions said;
  rule.begin(at(0), said);
  for (seat_id seat = 0; seat < 4; ++seat)
    rule.sit(seat, true, at(1), said);
  const auto epoch = rule.epoch();
  said.clear();

  rule.leave({2, 3}, "it was killed", at(2), said);

  const auto gone = all<lost>(said);
  ASSERT_EQ(gone.size(), 2u);
  EXPECT_EQ(gone[0].rank, 2u);
  EXPECT_EQ(gone[1].rank, 3u);
  EXPECT_EQ(gone[1].epoch, epoch);
  EXPECT_EQ(rule.epoch(), epoch + 1);
}

TEST(mesh_rule_test, fails_where_nobody_can_come) {
  auto how = settings(10, 2);
  how.least = 2;
  mesh rule{how, {}};
  decisions said;
  rule.begin(at(0), said);
  rule.sit(0, true, at(1), said);
  rule.sit(1, true, at(1), said);

  rule.leave({0}, "it died", at(2), said);

  ASSERT_EQ(all<ended>(said).size(), 1u);
  EXPECT_EQ(all<ended>(said)[0].why, "it died");
}

TEST(mesh_rule_test, drops_what_is_of_another_epoch) {
  mesh rule{settings(10, 2), {}};
  decisions said;
  rule.begin(at(0), said);
  rule.sit(0, true, at(0), said);
  rule.sit(1, true, at(0), said);
  const auto epoch = rule.epoch();
  said.clear();

  rule.hear(convened{epoch + 1, 0, false, 0, {}}, at(1), said);
  rule.hear(convened{epoch, 7, false, 0, {}}, at(1), said);
  rule.hear(advanced{epoch, 0, 5}, at(1), said);
  rule.hear(assessed{epoch, 0, 5, {}}, at(1), said);

  EXPECT_TRUE(said.empty());
}

TEST(mesh_rule_test, lets_go_of_whoever_does_not_answer) {
  auto how = settings(10, 2);
  how.patience = 10s;
  mesh rule{how, {}};
  decisions said;
  rule.begin(at(0), said);
  rule.sit(0, true, at(0), said);
  rule.sit(1, true, at(0), said);
  rule.hear(convened{rule.epoch(), 0, false, 0, {}}, at(1), said);
  said.clear();

  ASSERT_TRUE(rule.alarm());
  rule.wake(*rule.alarm(), said);

  ASSERT_EQ(all<lost>(said).size(), 1u);
  EXPECT_EQ(all<lost>(said)[0].seat, 1u);
  EXPECT_EQ(orders<convene>(said).size(), 1u);
}

} // namespace
} // namespace troupe::parallel
