#include "tests/actors/rehearsed_run.hpp"

#include <chrono>

#include <caf/event_based_actor.hpp>

#include "actors/federated/aggregator.hpp"
#include "actors/federated/evaluator.hpp"
#include "protocols/verbs.hpp"

namespace troupe::tests {
namespace {

gpu::shared_buffer buffer() {
  return std::make_shared<const gpu::buffer>(1);
}

} // namespace

rehearsed_run::~rehearsed_run() {
  caf::anon_send_exit(aggregator, caf::exit_reason::user_shutdown);
  if (scores)
    caf::anon_send_exit(scores, caf::exit_reason::user_shutdown);
}

aggregator_options rehearsed_run::one_round(
    std::size_t clients, duration lease_time) {
  federated::settings common;
  common.rounds = 1;
  common.lease_time = lease_time;
  aggregator_options options;
  options.rule = federated::fedavg{common, 1.0};
  options.parameters = buffer();
  options.samples.assign(clients, 10);
  options.lease_time = lease_time;
  options.depth = 1;
  options.stop_grace = std::chrono::seconds{1};
  return options;
}

void rehearsed_run::begin_run(aggregator_options options, bool with_evaluator) {
  begin_run(std::move(options), {sums.as<shard>()}, with_evaluator);
}

void rehearsed_run::begin_run(aggregator_options options,
    std::vector<shard> shards, bool with_evaluator) {
  auto who = std::make_shared<crew>();
  for (std::size_t i = 0; i < options.samples.size(); ++i)
    who->workers.push_back(workers.emplace_back(stage).as<worker>());
  aggregator = stage.system().spawn<aggregator_impl>(std::move(options));
  who->slots = slots;
  who->shards = std::move(shards);
  who->scribe = scribe.as<troupe::scribe>();
  who->evaluator = evaluator.as<troupe::evaluator>();
  if (with_evaluator)
    who->evaluator = scores = stage.system().spawn<evaluator_impl>(
        evaluator_options{blank_samples(20), 10, who->slots, aggregator});
  stage.system().spawn(
      [who, at = aggregator, into = report_](caf::event_based_actor* me) {
        ask(me, at, caf::infinite, begin{who}).then([into](run_report& how) {
          *into = std::move(how);
        });
      });
  stage.run();
}

seated_offer rehearsed_run::offer_to(client_id client) const {
  auto all = workers[client].heard<seated_offer>();
  return all.empty() ? seated_offer{} : all.back();
}

bool rehearsed_run::is_stopped(client_id client, lease_id lease) const {
  return std::ranges::any_of(workers[client].heard<revoke>(),
      [lease](const revoke& said) { return said.lease == lease; });
}

void rehearsed_run::train(client_id client, double loss) {
  finish(client, loss);
  stage.tell(aggregator, added{0, {0}});
}

void rehearsed_run::finish(client_id client, double loss, float largest) {
  stage.tell(
      aggregator, update{client, {offer_to(client).lease, 0, {10, 1, loss}, 0.1,
                                     0.1, buffer(), largest}});
}

void rehearsed_run::give_up(client_id client, errc why) {
  stage.tell(aggregator,
      failure{client, offer_to(client).lease, caf::make_error(why)});
}

void rehearsed_run::train_both() {
  for (client_id c = 0; c < 2; ++c)
    train(c);
}

void rehearsed_run::make_version() {
  stage.tell(aggregator, published{1});
}

void rehearsed_run::store_version() {
  stage.tell(aggregator, stored{1, "", 0.0});
}

void rehearsed_run::kill(extra& who, const std::string& why) {
  stage.tell(who.as<caf::actor>(),
      caf::exit_msg{{}, caf::make_error(errc::device_failed, why)});
}

void rehearsed_run::pass(duration time) {
  const duration step = std::chrono::milliseconds{100};
  for (duration t{}; t < time; t += step)
    stage.pass(step);
}

facts::run_ended rehearsed_run::end() const {
  auto all = told<facts::run_ended>();
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? facts::run_ended{} : all.front();
}

run_report rehearsed_run::report() const {
  EXPECT_TRUE(*report_) << "the run has not ended";
  return report_->value_or(run_report{});
}

} // namespace troupe::tests
