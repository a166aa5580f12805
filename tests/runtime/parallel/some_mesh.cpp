#include "tests/runtime/parallel/some_mesh.hpp"

#include <chrono>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include "actors/parallel/executor.hpp"
#include "actors/parallel/rank.hpp"
#include "gpu/random.hpp"
#include "protocols/messages.hpp"
#include "runtime/parallel/local_room.hpp"

namespace troupe::tests {
namespace {

using hears = std::function<void(const fact&)>;

class remembering_scribe {
public:
  static inline const char* name = "tests.scribe";

  remembering_scribe(
      scribe::pointer self, mesh_result& result, author tells, hears also)
      : self_(self),
        result_(result),
        tells_(std::move(tells)),
        also_(std::move(also)) {}

  scribe::behavior_type make_behavior() {
    return {
        [this](const fact_batch& what) {
          for (const auto& one : *what.facts) {
            result_.facts.push_back(one);
            if (also_)
              also_(one);
          }
        },
        [this](const store& what) {
          result_.stored.push_back(what.version);
          const auto values = what.parameters->span();
          result_.parameters.assign(values.begin(), values.end());
          result_.blocks = what.blocks;
          send(self_, tells_, stored{what.version, "digest", 0.0});
        },
        [](seal) {},
    };
  }

private:
  scribe::pointer self_;
  mesh_result& result_;
  author tells_;
  hears also_;
};

} // namespace

training::shared_dataset mesh_data(double bad_feature) {
  constexpr std::size_t count = 96, width = 12, classes = 3;
  auto result = std::make_shared<training::dataset>();
  result->shape = {width};
  result->classes = classes;
  gpu::random_stream random{7};
  std::vector<float> features;
  for (std::size_t i = 0; i < count; ++i) {
    const auto label = i % classes;
    for (std::size_t j = 0; j < width; ++j)
      features.push_back(static_cast<float>(
          random.normal() + (j % classes == label ? 1.0 : 0.0)));
    result->labels.push_back(static_cast<std::uint8_t>(label));
  }
  if (bad_feature != 0.0)
    features.back() = static_cast<float>(bad_feature);
  result->features = std::move(features);
  return result;
}

models::model mesh_model(bool hidden_layer) {
  return hidden_layer ? models::mlp({12, 9, 3}) : models::softmax(12, 3);
}

mesh_result play(const some_mesh& what) {
  using namespace std::chrono_literals;
  mesh_result result;
  caf::actor_system_config config;
  register_messages();
  config.set("caf.scheduler.max-threads", 2);
  caf::actor_system system{config};
  auto how = what.how;
  how.workers = what.ranks;
  const auto data = mesh_data(what.bad_feature);
  parallel::conductor_options options;
  options.how.steps = what.steps;
  options.how.evaluate_every = what.evaluate_every;
  options.how.checkpoint_every = what.checkpoint_every;
  options.how.target_accuracy = what.target_accuracy;
  const auto members = what.ranks + how.servers();
  options.how.wanted = members;
  options.how.least = 1 + how.servers();
  options.how.stretch = 2ms;
  options.how.sharded = how.sharded();
  options.how.together = how.sharded() || !how.lockstep();
  options.from = what.from;
  const auto head = system.spawn<parallel::conductor_impl>(std::move(options));
  const auto room = std::make_shared<parallel::local_room>();
  parallel::begin begin;
  for (std::uint32_t i = 0; i < members; ++i) {
    auto does = system.spawn<parallel::executor_impl, caf::detached>(
        parallel::executor_options{how,
            {mesh_model(what.hidden_layer), training::view{data}},
            training::view{data}, {}, room, head});
    begin.ranks.push_back(system.spawn<parallel::rank_impl>(std::move(does)));
  }
  begin.record = system.spawn<scribe::stateful_impl<remembering_scribe>>(
      result, head, [&](const fact& one) {
        if (what.on_fact)
          what.on_fact(one, begin.ranks, head);
      });
  caf::scoped_actor self{system};
  ask(self.ptr(), head, 60s, begin)
      .receive([&](run_report& answer) { result.report = std::move(answer); },
          [&](const caf::error& why) { ADD_FAILURE() << to_string(why); });
  for (const auto& one : begin.ranks)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(head, caf::exit_reason::user_shutdown);
  self->wait_for(begin.ranks);
  ask(self.ptr(), begin.record, 60s, seal{})
      .receive([] {}, [](const caf::error&) {});
  caf::anon_send_exit(begin.record, caf::exit_reason::user_shutdown);
  return result;
}

} // namespace troupe::tests
