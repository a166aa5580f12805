#include "gpu/aggregation/delta.hpp"
#include "gpu/layout.hpp"
#include "gpu/training/fitness.hpp"
#include "runtime/configuration/device_choice.hpp"
#include "runtime/topology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <unordered_set>
#include <utility>

namespace troupe {

namespace {

using lines = std::vector<std::string>;

std::string shape_text(const std::vector<std::size_t>& shape) {
  return fmt::format("{}", fmt::join(shape, " x "));
}

// Behind a value that a file leaves as it is; a program's are all its own.
std::string_view remark(const origins& where, std::string_view key) {
  return where.empty() || where.contains(key) ? "" : " (the default)";
}

std::string misfit(const models::model& model, const training::dataset& set,
    const origins& where) {
  if (training::takes(model, set))
    return {};
  if (model.name == "mlp")
    return fmt::format("{} begins with {}, but a sample has {} values",
        place(where, "model.layers"), shape_text(model.shape), set.width());
  return fmt::format("{} = \"{}\" is for samples of {}, but the data's are {}",
      place(where, "model.kind"), model.name, shape_text(model.shape),
      shape_text(set.shape));
}

void check_samples(const models::model& model, const training::dataset& set,
    const origins& where, lines& found) {
  auto say = [&](std::string text) { // sets of one shape fail alike
    if (std::find(found.begin(), found.end(), text) == found.end())
      found.push_back(std::move(text));
  };
  auto text = misfit(model, set, where);
  if (!text.empty())
    say(text);
  if (model.classes < set.classes)
    say(fmt::format("{} ends with {}, but there are {} classes",
        place(where, model.name == "mlp" ? "model.layers" : "model.kind"),
        model.classes, set.classes));
}

// By the rule by which updates are judged: no run would accept one that begins
// with such values.
void check_values(const gpu::layout& layout, std::span<const float> initial,
    const origins& where, lines& found) {
  gpu::device_stream host;
  if (!std::isnan(gpu::largest_magnitude(host, initial)))
    return;
  for (const auto& view : layout)
    for (std::size_t i = 0; i < view.size(); ++i)
      if (auto value = initial[view.offset + i]; !std::isfinite(value)) {
        found.push_back(fmt::format("{} has {} as value {} of tensor \"{}\"; "
                                    "training starts from finite values alone",
            place(where, "model.init"),
            std::isnan(value) ? "nan"
            : value > 0.0f    ? "inf"
                              : "-inf",
            i, view.name));
        return;
      }
}

void check_layers(const models::model& model, const gpu::shared_buffer& initial,
    const configuration& what, const origins& where, lines& found) {
  const auto shards =
      what.is_mesh() ? what.parallel.shards : what.federation.shards;
  try {
    auto layout = models::layout(model);
    auto size = gpu::size(layout);
    if (shards > size)
      found.push_back(fmt::format("{} = {} is more than the {} parameters of "
                                  "the model: each shard owns some",
          place(
              where, what.is_mesh() ? "parallel.shards" : "federation.shards"),
          shards, size));
    if (initial && initial->size() != size)
      found.push_back(fmt::format("{} has {} parameters, but the model has {}",
          place(where, "model.init"), initial->size(), size));
    else if (initial)
      check_values(layout, initial->span(), where, found);
  } catch (const std::invalid_argument& error) {
    found.push_back(
        fmt::format("{}: {}", place(where, "model.kind"), error.what()));
  }
}

} // namespace

std::vector<const training::dataset*> topology::data_sets() const {
  std::vector<const training::dataset*> found;
  std::unordered_set<const training::dataset*> seen;
  auto take = [&](const training::view& samples) {
    if (!samples.empty() && seen.insert(&samples.set()).second)
      found.push_back(&samples.set());
  };
  if (auto all = std::get_if<training::view>(&samples_))
    take(*all);
  else if (auto own = std::get_if<own_data>(&samples_))
    std::for_each(own->begin(), own->end(), take);
  take(test_);
  return found;
}

lines topology::problems(const origins& where) const {
  auto found = contradictions(config_, where);
  auto devices = choose_devices(config_, this_machine(), where);
  if (found.empty())
    found = std::move(devices.problems);
  if (!learner_)
    found.push_back("the topology has nothing to train: call .model() or "
                    ".learner()");
  else if (!model_ && config_.compute.precision != "fp32")
    found.push_back(fmt::format(
        "{} = \"{}\" is for models; a learner of one's own decides by itself",
        place(where, "compute.precision"), config_.compute.precision));
  if (model_) {
    check_layers(*model_, initial_, config_, where, found);
    for (auto set : data_sets())
      check_samples(*model_, *set, where, found);
  }
  if (config_.is_mesh())
    check_mesh(found);
  else
    check_federation(where, found);
  if (test_.empty() && config_.run.target_accuracy > 0.0)
    found.push_back("run.target_accuracy needs a test set: call .evaluate()");
  return found;
}

void topology::check_mesh(lines& found) const {
  if (learner_ && !model_)
    found.push_back(fmt::format("{} is a learner of the program's own, which "
                                "trains clients; the ranks of a mesh share a "
                                "model's gradient: call .model()",
        config_.model.kind));
  if (make_rule_ || movement_ || std::holds_alternative<own_data>(samples_))
    found.push_back(
        fmt::format("{} is a federation's, and .workers() composes a mesh: "
                    "leave one of them out",
            make_rule_  ? "a rule of the program's own"
            : movement_ ? ".meanwhile()"
                        : "data of each client's own"));
  else if (training_data().empty())
    found.push_back("a mesh needs data: give .workers() some");
}

void topology::check_federation(const origins& where, lines& found) const {
  if (!make_rule_ && !find_rule(config_.federation.rule))
    found.push_back(fmt::format("{} = {} is no rule that there is: call "
                                ".aggregator() with one",
        place(where, "federation.rule"), toml_string(config_.federation.rule)));
  check_clients(where, found);
  if (movement_ && !config_.federation.regions.empty())
    found.push_back(fmt::format("{}: clients that come and go belong to no "
                                "region: leave one of them out",
        place(where, "federation.regions")));
}

// Only the draw shows whether labels can be divided so.
void topology::check_division(const origins& where, lines& found) const {
  const auto& partition = config_.data.partition;
  if (partition != "labels" && partition != "label-dirichlet")
    return;
  try {
    client_data();
  } catch (const std::invalid_argument& error) {
    found.push_back(fmt::format("{} = {}: {}", place(where, "data.partition"),
        toml_string(partition), error.what()));
  }
}

void topology::check_clients(const origins& where, lines& found) const {
  auto clients = config_.federation.clients;
  if (clients == 0)
    return; // a contradiction by itself
  if (auto all = std::get_if<training::view>(&samples_)) {
    if (all->size() < clients)
      found.push_back(fmt::format(
          "{} = {}{} is more than the {} samples there are to share",
          place(where, "federation.clients"), clients,
          remark(where, "federation.clients"), all->size()));
    else if (config_.data.partition == "shards" &&
             config_.data.shards_per_client > all->size() / clients)
      found.push_back(fmt::format(
          "{} = {}{} makes more shards for {} clients than there are samples, "
          "{}",
          place(where, "data.shards_per_client"),
          config_.data.shards_per_client,
          remark(where, "data.shards_per_client"), clients, all->size()));
    else if (found.empty())
      check_division(where, found);
  } else if (auto own = std::get_if<own_data>(&samples_)) {
    for (std::size_t i = 0; i < own->size(); ++i)
      if ((*own)[i].empty())
        found.push_back(fmt::format("client {} has no samples", i));
  } else if (model_) {
    found.push_back(
        fmt::format("model {} needs data: give .clients() some", model_->name));
  } else if ((make_rule_ ? rule().common() : settings_of(config_))
                 .weigh_samples) {
    found.push_back("federation.weighting = \"samples\" needs data; clients "
                    "whose data the learner alone knows count alike: "
                    "use \"uniform\"");
  }
}

} // namespace troupe
