#include "runtime/topology.hpp"

#include "gpu/layout.hpp"
#include "gpu/training/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

// What an MLP's layers say in a configuration; empty for other models.
std::vector<std::size_t> widths(const models::model& what) {
  std::vector<std::size_t> result;
  for (auto extent : what.shape)
    result.assign(1, result.empty() ? extent : result.front() * extent);
  for (const auto& layer : what.layers)
    if (auto linear = std::get_if<models::linear>(&layer))
      result.push_back(linear->outputs);
  return result;
}

} // namespace

topology::topology(std::string name) {
  config_.run.name = std::move(name);
  config_.data.set = "own";
}

topology& topology::seed(std::uint64_t value) {
  config_.run.seed = value;
  return *this;
}

topology& topology::model(models::model what) {
  config_.model.kind = what.name;
  if (what.name == "mlp")
    config_.model.layers = widths(what);
  learner_ = training::trainer(what);
  model_ = std::move(what);
  return *this;
}

topology& topology::learner(training::learner_factory make, std::string name) {
  config_.model.kind = std::move(name);
  learner_ = std::move(make);
  model_.reset();
  return *this;
}

topology& topology::start_from(gpu::shared_buffer parameters) {
  initial_ = std::move(parameters);
  return *this;
}

topology& topology::server(const gpu::server_options& how) {
  choose_server(config_, how);
  return *this;
}

topology& topology::shards(std::uint64_t count) {
  config_.federation.shards = count;
  return *this;
}

topology& topology::aggregator(
    rule_factory make, std::string name, std::string unit) {
  name_rule(config_, std::move(name));
  make_rule_ = std::move(make);
  unit_ = std::move(unit);
  return *this;
}

federated::rule topology::rule() const {
  return make_rule_ ? make_rule_(settings_of(config_)) : make_rule(config_);
}

std::string_view topology::unit() const {
  return make_rule_ && !config_.is_mesh() ? std::string_view{unit_}
                                          : troupe::unit(config_);
}

topology& topology::clients(std::uint64_t count, const client_method& how,
    const local& much, division among) {
  config_.federation.clients = count;
  config_.data.partition = among.partition;
  config_.data.shards_per_client = among.shards_per_client;
  config_.data.labels_per_client = among.labels_per_client;
  config_.data.alpha = among.alpha;
  samples_ = std::move(among.of);
  return train(how, much);
}

topology& topology::clients(std::vector<training::view> own,
    const client_method& how, const local& much) {
  config_.federation.clients = own.size();
  config_.data.partition = "own";
  samples_ = std::move(own);
  return train(how, much);
}

topology& topology::clients(
    std::uint64_t count, const client_method& how, const local& much) {
  config_.federation.clients = count;
  config_.data.partition = "own";
  samples_ = no_data{};
  return train(how, much);
}

topology& topology::train(const client_method& how, const local& much) {
  config_.client = std::visit(
      [&](const auto& x) {
        return training::recipe{.epochs = much.epochs,
            .steps = much.steps,
            .batch = much.batch,
            .lr = x.lr,
            .lr_decay = x.lr_decay,
            .momentum = x.momentum,
            .weight_decay = x.weight_decay,
            .clip = x.clip,
            .seconds = much.seconds};
      },
      how);
  if (const auto* proximal = std::get_if<fedprox>(&how)) {
    config_.client.method = "fedprox";
    config_.client.mu = proximal->mu;
  } else if (std::holds_alternative<fednova>(how)) {
    config_.client.method = "fednova";
  } else if (std::holds_alternative<scaffold>(how)) {
    config_.client.method = "scaffold";
  } else if (const auto* dynamic = std::get_if<feddyn>(&how)) {
    config_.client.method = "feddyn";
    config_.client.alpha = dynamic->alpha;
  }
  return *this;
}

topology& topology::order(const virtual_clock& how) {
  config_.run.order = "virtual";
  config_.clock = how;
  return *this;
}

topology& topology::residents(std::uint64_t to_begin) {
  config_.federation.residents = true;
  config_.federation.min_residents = to_begin;
  return *this;
}

topology& topology::meanwhile(coming_and_going how) {
  movement_ = std::move(how);
  return *this;
}

topology& topology::evaluate(samples test) {
  test_ = test.view();
  return *this;
}

topology& topology::evaluate(samples test, every so_many) {
  config_.run.evaluate_every = so_many.versions;
  evaluates_as_said_ = true;
  return evaluate(std::move(test));
}

topology& topology::until(rounds end) {
  config_.run.rounds = end.count;
  return *this;
}

topology& topology::until(versions end) {
  config_.run.rounds = end.count;
  return *this;
}

topology& topology::until(accuracy end) {
  config_.run.target_accuracy = end.target;
  return *this;
}

topology& topology::devices(std::vector<std::string> names) {
  config_.compute.device = "auto";
  config_.compute.devices = std::move(names);
  return *this;
}

topology& topology::slots(slot_counts counts) {
  config_.compute.slots = std::move(counts);
  return *this;
}

topology topology::with(const std::vector<std::string>& settings) const {
  auto changed = change_configuration(config_, settings);
  auto own_clients = !std::holds_alternative<training::view>(samples_);
  for (const auto& [path, from] : changed.where) {
    auto divides = path == "data.partition" || path == "data.alpha" ||
                   path == "data.shards_per_client" ||
                   path == "data.labels_per_client";
    auto fixed = path.starts_with("model.") ||
                 (path.starts_with("data.") && (own_clients || !divides)) ||
                 (path == "federation.clients" && own_clients) ||
                 (path == "federation.rule" && make_rule_);
    if (fixed)
      changed.problems.push_back(fmt::format(
          "{}: {} cannot be set: this program brings its own", from, path));
  }
  if (changed.value.is_mesh() != config_.is_mesh())
    changed.problems.push_back(
        fmt::format("--set: parallel.workers = {} cannot be set: this program "
                    "composes a {}",
            changed.value.parallel.workers,
            config_.is_mesh() ? "mesh" : "federation"));
  if (!changed)
    throw configuration_error{changed.problems};
  auto result = *this;
  result.config_ = std::move(changed.value);
  return result;
}

configuration_error::configuration_error(
    const std::vector<std::string>& problems)
    : std::runtime_error(fmt::format("{}", fmt::join(problems, "\n"))) {}

} // namespace troupe
