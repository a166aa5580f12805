// Whole runs over nodes, on real threads: registrar, doors and hosts between
// the real actors of a run, and wires within this process.

#include <functional>
#include <memory>
#include <vector>

#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include "actors/cluster/door.hpp"
#include "actors/cluster/host.hpp"
#include "actors/cluster/registrar.hpp"
#include "actors/computing/compute.hpp"
#include "actors/federated/worker.hpp"
#include "tests/support/counting_learner.hpp"
#include "tests/support/stage.hpp"
#include "tests/support/wired_peer.hpp"

namespace troupe::tests {
namespace {

using namespace cluster;
using namespace std::chrono_literals;

/// A run that has its slots from nodes alone, as many as it waits for.
class fleet {
public:
  explicit fleet(script what, std::size_t slots_each = 2)
      : script_(std::move(what)), slots_each_(slots_each) {
    if (!make_)
      make_ = small_learners(script_.parameters, script_.mishap);
  }
  void learns_by(training::learner_factory make) { make_ = std::move(make); }
  /// Small tensors go along with frames.
  void takes_along() { along_ = true; }

  performance play() {
    auto s = script_;
    s.slots = 0;
    s.patience = 60s;
    s.spawn_slots = [this](const script&, caf::actor_system& system) {
      system_ = &system;
      return std::vector<compute_slot>{};
    };
    s.meanwhile = [this](const aggregator& run) { open(run); };
    s.afterwards = [this] { close(); };
    return tests::play(s);
  }

  /// From any thread, while it plays.
  void cut(std::size_t node) { wires_.at(node)->cut(); }
  void drain(std::size_t node) {
    send_anonymously(doors_.at(node), cluster::drain{});
  }
  void join(const std::string& name) {
    const auto here = wires_.emplace_back(std::make_shared<wired_peer>(along_));
    const auto there = std::make_shared<wired_peer>(along_);
    wired_peer::connect(here, there);
    serve(there);
    candidate who{{}, wires_.size(), {}, {}};
    who.what.name = name;
    doors_.push_back(system_->spawn<door_impl>(
        door_options{who, here, members_, run_, {}, script_.parameters}));
    here->listen(ears_of_door(doors_.back()));
  }

private:
  void open(const aggregator& run) {
    run_ = run;
    registrar_options ruled;
    ruled.tell = run;
    members_ = system_->spawn<registrar_impl>(ruled);
    for (std::size_t i = 0; i < script_.nodes; ++i)
      join(std::string(1, static_cast<char>('a' + i)));
  }

  // The node's side: it is ready once it is welcome.
  void serve(const std::shared_ptr<wired_peer>& at) {
    host_options how{at, {}, {}, blank_samples(script_.test_samples)};
    const auto context = std::make_shared<const worker_context>(
        worker_context{script_.seed, script_.recipe});
    for (client_id c = 0; c < script_.clients; ++c)
      how.workers.push_back(
          system_->spawn<worker_impl>(c, blank_samples(10), context));
    ready able;
    for (std::size_t i = 0; i < slots_each_; ++i) {
      how.slots.push_back(
          {system_->spawn<compute_impl, caf::detached>(gpu::device{}, make_), 0,
              {}});
      able.slots.push_back(0);
    }
    for (const auto& each : how.workers)
      dismissed_.push_back(caf::actor_cast<caf::actor>(each));
    for (const auto& each : how.slots)
      dismissed_.push_back(caf::actor_cast<caf::actor>(each.who));
    auto made = system_->spawn<host_impl>(std::move(how));
    dismissed_.push_back(caf::actor_cast<caf::actor>(made));
    auto ears = ears_of_host(made);
    ears.said = [heard = ears.said, made, able, system = system_](frame what) {
      if (std::holds_alternative<welcome>(what))
        system->spawn([made, able](caf::event_based_actor* me) {
          ask(me, made, caf::infinite, cluster::serve{able})
              .then([](const farewell&) {});
        });
      else
        heard(std::move(what));
    };
    at->listen(std::move(ears));
  }

  void close() {
    caf::scoped_actor self{*system_};
    watch(self.ptr(), members_);
    send_anonymously(members_, dismissal{{"the run has ended", true, 0}});
    self->receive([](const caf::down_msg&) {},
        caf::after(30s) >> [] { ADD_FAILURE() << "a node does not leave"; });
    for (const auto& each : dismissed_)
      caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
  }

  script script_;
  std::size_t slots_each_;
  bool along_ = false;
  training::learner_factory make_;
  caf::actor_system* system_ = nullptr;
  aggregator run_;
  registrar members_;
  std::vector<door> doors_;
  std::vector<std::shared_ptr<wired_peer>> wires_; ///< the doors' ends
  std::vector<caf::actor> dismissed_;
};

script rounds(std::uint64_t count) {
  script s;
  s.rule = fedavg_rule(count, 0.6);
  s.nodes = 2;
  return s;
}

script locally(script what) {
  what.nodes = 0;
  return what;
}

/// Calls back with the version once, from the scribe's thread.
void at_version(script& s, version_id which, std::function<void()> what) {
  s.on_fact = [which, what](const fact& f) {
    if (auto* x = std::get_if<facts::published>(&f.what);
        x && x->version == which)
      what();
  };
}

TEST(nodes_run_test, makes_the_bits_of_a_run_without_nodes) {
  const auto s = rounds(10);
  const auto alone = play(locally(s));

  const auto run = fleet{s}.play();

  EXPECT_EQ(run.report.outcome, run_outcome::completed);
  EXPECT_EQ(run.all<facts::node_joined>().size(), 2u);
  for (const auto& each : run.all<facts::slot_joined>())
    EXPECT_EQ(each.count, 2u);
  EXPECT_EQ(run.all<facts::slot_joined>().size(), 2u);
  EXPECT_EQ(run.parameters(), alone.parameters());
  EXPECT_EQ(run.report.final.correct, alone.report.final.correct);
}

TEST(nodes_run_test, makes_the_same_bits_where_tensors_go_along) {
  auto s = rounds(20);
  const auto alone = play(locally(s));
  fleet* at = nullptr;
  at_version(s, 5, [&at] { at->cut(0); });
  fleet all{s};
  all.takes_along();
  at = &all;

  const auto run = all.play();

  EXPECT_EQ(run.report.outcome, run_outcome::completed);
  EXPECT_EQ(run.parameters(), alone.parameters());
}

TEST(nodes_run_test, makes_the_same_bits_where_a_node_is_lost) {
  auto s = rounds(20);
  const auto alone = play(locally(s));
  fleet* at = nullptr;
  at_version(s, 5, [&at] { at->cut(0); });
  fleet all{s};
  at = &all;

  const auto run = all.play();

  EXPECT_EQ(run.report.outcome, run_outcome::completed);
  ASSERT_EQ(run.all<facts::node_left>().size(), 1u);
  EXPECT_TRUE(run.all<facts::node_left>()[0].lost);
  EXPECT_EQ(run.report.slots_lost, 0u);
  EXPECT_TRUE(run.all<facts::client_failed>().empty());
  EXPECT_EQ(run.parameters(), alone.parameters());
}

TEST(nodes_run_test, makes_the_same_bits_where_a_node_drains) {
  auto s = rounds(20);
  const auto alone = play(locally(s));
  fleet* at = nullptr;
  at_version(s, 5, [&at] { at->drain(1); });
  fleet all{s};
  at = &all;

  const auto run = all.play();

  EXPECT_EQ(run.report.outcome, run_outcome::completed);
  EXPECT_EQ(run.all<facts::slot_left>().size(), 2u);
  EXPECT_TRUE(run.all<facts::requeued>().empty());
  EXPECT_EQ(run.parameters(), alone.parameters());
}

TEST(nodes_run_test, keeps_what_clients_keep_where_a_node_is_lost) {
  auto s = rounds(20);
  s.spawn_slots = [](const script& what, caf::actor_system& system) {
    std::vector<compute_slot> result;
    for (std::size_t i = 0; i < what.slots; ++i)
      result.push_back({system.spawn<compute_impl, caf::detached>(
                            gpu::device{}, counting_learners(what.parameters)),
          0, {}});
    return result;
  };
  const auto alone = play(locally(s));
  fleet* at = nullptr;
  at_version(s, 5, [&at] { at->cut(0); });
  fleet all{s};
  all.learns_by(counting_learners(s.parameters));
  at = &all;

  const auto run = all.play();

  EXPECT_EQ(run.report.outcome, run_outcome::completed);
  EXPECT_EQ(run.parameters(), alone.parameters());
}

} // namespace
} // namespace troupe::tests
