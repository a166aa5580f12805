#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "actors/cluster/door.hpp"
#include "protocols/participation.hpp"
#include "protocols/training.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/scripted_peer.hpp"

namespace troupe::tests {

/// A door between a node that says what a test has it say, and extras: the
/// registrar, the aggregator, and whoever wants its tasks answered.
struct door_stage : testing::Test {
  static constexpr std::size_t values = 3; ///< of the model
  static constexpr std::size_t most_of_a_state = 5;

  rehearsal stage;
  extra members{stage};
  extra run{stage};
  extra sink{stage};
  std::shared_ptr<scripted_peer> node = std::make_shared<scripted_peer>();
  cluster::admission at_knock{true, {}, "one", 7};
  cluster::admission at_ready{true, {}, {}, 8};
  cluster::door at;
  std::shared_ptr<std::optional<caf::error>> ended =
      std::make_shared<std::optional<caf::error>>();

  door_stage() {
    members.answers<cluster::knock>([this](const auto&) { return at_knock; });
    members.answers<cluster::prepared>(
        [this](const auto&) { return at_ready; });
    run.answers<lend>([next = slot_id{4}](const lend& what) mutable {
      return std::exchange(next, next + static_cast<slot_id>(what.what.size()));
    });
  }
  ~door_stage() override {
    caf::anon_send_exit(at, caf::exit_reason::user_shutdown);
  }

  void knock() {
    cluster::door_options how{{{}, 12, "key", "here"}, node,
        members.as<registrar>(), run.as<aggregator>(), {}, values,
        most_of_a_state};
    how.greeting.configuration = "[run]";
    how.greeting.fingerprint = "same";
    how.greeting.from.features = "abc";
    at = stage.system().spawn<cluster::door_impl>(std::move(how));
    caf::actor_cast<caf::abstract_actor*>(at)->attach_functor(
        [into = ended](const caf::error& why) { *into = why; });
    stage.run();
  }
  /// What the node says.
  template <class Frame>
  void say(Frame what) {
    stage.tell(at, std::move(what));
  }
  void lend_slots(std::size_t count = 2) {
    knock();
    say(cluster::ready{std::vector<std::uint8_t>(count), "same", {}});
  }
  void part(const std::string& why, bool in_order, double silence = 0.0) {
    stage.tell(at, cluster::parted{why, in_order, silence});
  }
  bool is_closed() const { return !node->closed.empty(); }
};

} // namespace troupe::tests
