#include "runtime/mesh_drawing.hpp"

#include "protocols/parallel/messages.hpp"

#include <caf/string_view.hpp>
#include <caf/type_id.hpp>
#include <gmock/gmock.h>

#include <cstddef>
#include <set>
#include <string>
#include <utility>

namespace troupe {
namespace {

using testing::HasSubstr;

device_choice cpu() {
  return {.devices = {{gpu::device{}, 2}}, .remark = {}, .problems = {}};
}

configuration mesh() {
  configuration result;
  result.run.name = "mlp";
  result.parallel.workers = 4;
  return result;
}

TEST(mesh_drawing_test, draws_ranks_and_where_their_gradients_meet) {
  EXPECT_EQ(to_tree(draw(mesh(), cpu())),
      R"(mlp: all_reduce, canonical; 4 ranks, 64 samples in 8 micro-batches a step; sgd, rate 0.05

conductor          says who takes part and how far they go
├─ rank x4         one a replica, hears and never computes       convene, muster, advance, assess, hand_over
│  └─ executor x4  its arithmetic, on a thread of its own        start_over, muster, advance, assess, hand_over → convened, mustered, advanced, assessed, handed, broken
│     └─ group     adds micro-batches' gradients along one tree  gradient → sum
├─ scribe          writes journal and checkpoints                facts, store → stored, storage_failed
├─ monitor         counts for Prometheus                         facts
└─ progress        shows the run to people                       facts
)");
}

TEST(mesh_drawing_test, draws_what_flows_by_each_way_to_agree) {
  const auto drawn = [](auto change) {
    auto what = mesh();
    change(what.parallel);
    return to_tree(draw(what, cpu()));
  };

  EXPECT_THAT(drawn([](auto& p) {
    p.sync = "parameter_server";
    p.shards = 2;
    p.staleness = "3";
  }),
      testing::AllOf(HasSubstr("parameter_server of 2 shards, 3 steps ahead"),
          HasSubstr("└─ shard x2  steps a range of the parameters, nobody over "
                    "3 ahead  push, pull → parameters\n")));
  EXPECT_THAT(drawn([](auto& p) { p.zero = 1; }),
      HasSubstr("gradient, own part of the parameters → own part of the sum, "
                "parameters\n"));
  EXPECT_THAT(drawn([](auto& p) { p.sync = "local_sgd"; }),
      HasSubstr("averages replicas every 500 steps"));
  EXPECT_THAT(drawn([](auto& p) { p.sync = "diloco"; }),
      HasSubstr("steps by the mean way of replicas, every 500 steps"));
  EXPECT_THAT(drawn([](auto& p) { p.sync = "gossip"; }),
      HasSubstr("averages neighbours, left and right in turn"));
}

TEST(mesh_drawing_test, draws_a_graph_too) {
  const auto dot = to_dot(draw(mesh(), cpu()));

  EXPECT_THAT(dot, HasSubstr("a1 [label=\"rank x4\", peripheries=2];\n"));
  EXPECT_THAT(dot, HasSubstr("a2 -> a3 [label=\"gradient\"];\n"));
}

template <std::size_t... Index>
std::set<std::string> declared(std::index_sequence<Index...>) {
  std::set<std::string> names;
  auto take = [&](caf::string_view name) {
    const std::string full{name.data(), name.size()};
    names.insert(full.substr(full.rfind(':') + 1));
  };
  (take(caf::type_name_by_id_v<caf::id_block::troupe_parallel::begin + Index>),
      ...);
  return names;
}

// What is drawn is what the protocols declare, so the two cannot drift apart.
TEST(mesh_drawing_test, draws_every_message_of_conductor_and_ranks) {
  using block = caf::id_block::troupe_parallel;
  auto expected =
      declared(std::make_index_sequence<block::end - block::begin>{});
  for (auto undrawn : {"begin", "seated", "rank_gone"})
    expected.erase(undrawn); // of who is there
  for (auto of_all :
      {"facts", "store", "stored", "storage_failed", "gradient", "sum"})
    expected.insert(of_all);

  std::set<std::string> drawn;
  for (const auto& message : draw(mesh(), cpu()).messages)
    drawn.insert(message.name);

  EXPECT_EQ(drawn, expected);
}

} // namespace
} // namespace troupe
