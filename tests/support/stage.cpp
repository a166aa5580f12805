#include "tests/support/stage.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"

#include <algorithm>

#include <caf/actor_system_config.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/scoped_actor.hpp>

#include "actors/computing/compute.hpp"
#include "actors/federated/aggregator.hpp"
#include "actors/federated/evaluator.hpp"
#include "actors/federated/shard.hpp"
#include "actors/federated/worker.hpp"
#include "protocols/errc.hpp"
#include "protocols/messages.hpp"

namespace troupe::tests {
namespace {

struct memory {
  std::function<void(const fact&)> on_fact;
  std::mutex guard;
  std::vector<fact> facts;
  std::vector<store> stores;
};

// Keeps in memory what a scribe would write.
class memory_scribe_state {
public:
  static inline const char* name = "troupe.memory_scribe";
  memory_scribe_state(scribe::pointer self, std::shared_ptr<memory> into,
      troupe::aggregator report_to)
      : self_(self), into_(std::move(into)), report_to_(std::move(report_to)) {}

  scribe::behavior_type make_behavior() {
    return {
        [this](const fact_batch& batch) {
          if (into_->on_fact)
            std::ranges::for_each(*batch.facts, into_->on_fact);
          std::lock_guard lock{into_->guard};
          into_->facts.insert(
              into_->facts.end(), batch.facts->begin(), batch.facts->end());
        },
        [this](const store& what) {
          send(self_, report_to_, stored{what.version, "", 0.0});
          std::lock_guard lock{into_->guard};
          into_->stores.push_back(what);
        },
        [](seal) {},
    };
  }

private:
  scribe::pointer self_;
  std::shared_ptr<memory> into_;
  troupe::aggregator report_to_;
};
using memory_scribe = scribe::stateful_impl<memory_scribe_state>;

caf::actor_system_config& configured(caf::actor_system_config& config) {
  register_messages();
  config.set("caf.scheduler.policy", "sharing");
  config.set("caf.scheduler.max-threads", 2);
  return config;
}

aggregator_options options(const script& what, gpu::shared_buffer parameters) {
  aggregator_options result;
  result.rule = what.rule;
  if (!what.restored.empty()) {
    static_cast<void>(result.rule.load(what.restored));
    result.rule.discard();
  }
  result.parameters = std::move(parameters);
  result.blocks = initial_blocks(what.server, what.parameters);
  result.states = what.states;
  result.samples.assign(what.clients, 10);
  for (std::size_t i = 0; i < what.data.size(); ++i)
    result.samples[i] = what.data[i].size();
  result.kinds = what.kinds;
  result.header.clients = what.clients;
  result.header.parameters = what.parameters;
  result.header.slots = what.slots;
  result.header.incarnation = what.incarnation;
  result.header.version = result.rule.version();
  result.evaluate_every = what.evaluate_every;
  result.target_accuracy = what.target_accuracy;
  result.depth = what.depth;
  result.lease_time = what.lease_time;
  result.stop_grace = what.stop_grace;
  result.patience = what.patience;
  result.nodes = what.nodes;
  return result;
}

gpu::shared_buffer initial(const script& what) {
  if (what.parameters_from)
    return what.parameters_from;
  auto block = std::make_shared<gpu::buffer>(what.parameters);
  small_learner{what.parameters}.initialise(block->span(), what.seed);
  return block;
}

std::vector<compute_slot> spawn(const script& what, caf::actor_system& system) {
  std::vector<compute_slot> result;
  for (std::size_t i = 0; i < what.slots; ++i)
    result.push_back(
        {system.spawn<compute_impl, caf::detached>(gpu::device{},
             small_learners(what.parameters, what.mishap, what.doubt)),
            0, {}});
  return result;
}

training::view data_of(const script& what, client_id client) {
  return what.data.empty() ? blank_samples(10) : what.data.at(client);
}

} // namespace

federated::rule fedavg_rule(std::uint64_t rounds, double fraction,
    std::uint64_t seed, duration lease_time) {
  federated::settings common;
  common.seed = seed;
  common.rounds = rounds;
  common.lease_time = lease_time;
  return federated::fedavg{common, fraction};
}

federated::rule fedbuff_rule(std::uint64_t versions, std::uint64_t buffer,
    std::uint64_t concurrency, std::uint64_t seed) {
  federated::settings common;
  common.seed = seed;
  common.rounds = versions;
  common.weigh_samples = false;
  return federated::fedbuff{common, buffer, concurrency, 20};
}

std::vector<float> performance::parameters() const {
  auto span = report.parameters->span();
  return {span.begin(), span.end()};
}

performance play(const script& what) {
  caf::actor_system_config config;
  caf::actor_system system{configured(config)};
  auto seen = std::make_shared<memory>();
  seen->on_fact = what.on_fact;
  auto parameters = initial(what);
  auto aggregator = system.spawn<aggregator_impl>(options(what, parameters));
  auto who = std::make_shared<crew>();
  who->slots =
      what.spawn_slots ? what.spawn_slots(what, system) : spawn(what, system);
  auto context = std::make_shared<const worker_context>(
      worker_context{what.seed, what.recipe});
  for (client_id c = 0; c < what.clients; ++c)
    who->workers.push_back(
        system.spawn<worker_impl>(c, data_of(what, c), context));
  for (shard_id i = 0; i < what.shards; ++i)
    who->shards.push_back(system.spawn<shard_impl, caf::detached>(
        shard_options{parameters, initial_blocks(what.server, what.parameters),
            what.server, what.depth, aggregator, {}, i, what.shards}));
  auto test = what.test.empty() ? blank_samples(what.test_samples) : what.test;
  if (!test.empty())
    who->evaluator = system.spawn<evaluator_impl>(
        evaluator_options{std::move(test), 30, who->slots, aggregator});
  who->scribe = system.spawn<memory_scribe>(seen, aggregator);

  performance result;
  caf::scoped_actor self{system};
  auto answer = self->request(aggregator, caf::infinite, begin{who});
  if (what.meanwhile)
    what.meanwhile(aggregator);
  answer.receive([&](run_report& report) { result.report = std::move(report); },
      [&](caf::error& why) {
        result.report.outcome = run_outcome::failed;
        result.report.why = std::move(why);
      });
  if (what.afterwards)
    what.afterwards();
  self->request(who->scribe, caf::infinite, seal{})
      .receive([] {}, [](const caf::error&) {});
  for (const auto& slot : who->slots)
    caf::anon_send_exit(slot.who, caf::exit_reason::user_shutdown);
  for (const auto& one : who->workers)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  for (const auto& one : who->shards)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  if (who->evaluator)
    caf::anon_send_exit(who->evaluator, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(who->scribe, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(aggregator, caf::exit_reason::user_shutdown);
  std::lock_guard lock{seen->guard};
  result.facts = std::move(seen->facts);
  result.stores = std::move(seen->stores);
  return result;
}

} // namespace troupe::tests
