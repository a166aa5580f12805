#include "protocols/interfaces.hpp"
#include "runtime/drawing.hpp"

#include <caf/string_view.hpp>
#include <caf/type_id.hpp>
#include <gmock/gmock.h>

#include <cstddef>
#include <set>
#include <string>
#include <utility>

namespace troupe {
namespace {

device_choice cpu(std::uint64_t slots) {
  return {.devices = {{gpu::device{}, slots}}, .remark = {}, .problems = {}};
}

TEST(drawing_test, draws_a_tree_of_actors_with_what_they_say) {
  configuration what;
  what.run.name = "fashion";

  EXPECT_EQ(to_tree(draw(what, cpu(2))),
      R"(fashion: fedavg, 100 clients, 10 a round, on 2 compute slots

aggregator        decides who trains and what counts
├─ worker x100    one a client, without a thread      seated_offer, revoke
│  └─ compute x2  one a slot, trains and scores       train_task → update, failure
├─ shard          adds updates, publishes versions    add, publish, discard → added, published
├─ evaluator      scores versions on the test set     evaluate → scored
│  └─ compute x2  one a slot, trains and scores       evaluate_task → evaluated_part
├─ scribe         writes journal and checkpoints      facts, store → stored, storage_failed
├─ monitor        counts for Prometheus               facts
└─ progress       shows the run to people             facts
)");
}

TEST(drawing_test, draws_one_accelerator_a_gpu_which_scores_too) {
  device_choice on;
  on.devices = {{gpu::device{}, 2}, {{gpu::device_kind::cuda, 0}, 4},
      {{gpu::device_kind::cuda, 1}, 4}};

  auto tree = to_tree(draw({}, on));

  EXPECT_THAT(tree, testing::HasSubstr("on 10 compute slots\n"));
  EXPECT_THAT(tree, testing::HasSubstr("├─ compute x2      one a slot"));
  EXPECT_THAT(tree, testing::HasSubstr("└─ accelerator x2  one a GPU, trains 4 "
                                       "side by side    train_task"));
  EXPECT_THAT(tree, testing::HasSubstr("accelerator x2  one a GPU, trains 4 "
                                       "side by side    evaluate_task"));
  EXPECT_EQ(tree.find("evaluate_task"), tree.rfind("evaluate_task"));
}

TEST(drawing_test, draws_one_edge_a_direction_for_graphviz) {
  configuration what;
  what.run.name = "a \"b\"";
  what.federation.rule = "fedbuff";

  auto dot = to_dot(draw(what, cpu(1)));

  EXPECT_THAT(dot, testing::StartsWith("digraph troupe {\n  label=\"a \\\"b\\\""
                                       ": fedbuff, 100 clients, 20 in training,"
                                       " a version every 10, on 1 compute slot"
                                       "\";\n"));
  EXPECT_THAT(
      dot, testing::HasSubstr("a1 [label=\"worker x100\", peripheries=2];\n"));
  EXPECT_THAT(dot, testing::HasSubstr("a7 -> a0 [label=\"update, failure\"]"));
  EXPECT_THAT(dot, testing::EndsWith("}\n"));
}

template <std::size_t... Index>
std::set<std::string> declared(std::index_sequence<Index...>) {
  std::set<std::string> names;
  auto take = [&](caf::string_view name) {
    names.insert(std::string{name.data(), name.size()}.substr(8)); // troupe::
  };
  (take(caf::type_name_by_id_v<caf::id_block::troupe_run::begin + Index>), ...);
  return names;
}

// What is drawn is what the protocols declare, so the two cannot drift apart.
TEST(drawing_test, draws_every_message_between_actors_and_no_other) {
  using block = caf::id_block::troupe_run;
  auto expected =
      declared(std::make_index_sequence<block::end - block::begin>{});
  for (auto undrawn : {"begin", "run_report", "interrupt", "tick", "seal",
           "slot_gone", "slot_back", "slots_lent", "slot_scoring", "part_begun",
           "device_reached", "enrol", "leave", "lend", "withdraw", "offer",
           "facts::node_joined", "facts::node_left", "facts::node_changed",
           "facts::node_serves", "facts::node_refused",
           "facts::fingerprint_mixed", "state_stored", "change_rule",
           "changing_rule", "retired"})
    expected.erase(undrawn); // of one actor, slots, nodes, people, or gone
  expected.insert("facts");

  std::set<std::string> drawn;
  for (const auto& message : draw({}, cpu(2)).messages)
    drawn.insert(message.name);

  EXPECT_EQ(drawn, expected);
}

} // namespace
} // namespace troupe
