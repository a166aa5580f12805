#include "gpu/training/fitness.hpp"
#include "runtime/data/partition.hpp"
#include "runtime/data/splits.hpp"
#include "runtime/data/synthetic.hpp"
#include "runtime/record/checkpoint.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/topology.hpp"

namespace troupe {

namespace {

data::partition divide(
    const configuration& what, const training::view& samples) {
  const auto clients = what.federation.clients;
  const auto seed = what.run.seed;
  const auto& d = what.data;
  if (d.partition == "shards")
    return data::partition_shards(samples, clients, d.shards_per_client, seed);
  if (d.partition == "dirichlet")
    return data::partition_dirichlet(samples, clients, d.alpha, seed);
  if (d.partition == "quantity")
    return data::partition_quantity(samples, clients, d.alpha, seed);
  if (d.partition == "labels")
    return data::partition_labels(samples, clients, d.labels_per_client, seed);
  if (d.partition == "label-dirichlet")
    return data::partition_label_dirichlet(samples, clients, d.alpha, seed);
  return data::partition_iid(samples, clients, seed);
}

models::model model_for(
    const configuration& what, const training::dataset& samples) {
  if (what.model.kind == "softmax")
    return models::softmax(samples.width(), samples.classes);
  if (what.model.kind == "lenet5")
    return models::lenet5(samples.classes);
  if (what.model.kind == "cnn")
    return models::cnn(samples.classes);
  return models::mlp(what.model.layers);
}

// A default that nobody chose takes the data's own width and classes.
std::vector<std::size_t> layers_for(const configuration& what,
    const origins& where, const training::dataset& samples) {
  auto layers = what.model.layers;
  if (what.model.kind == "mlp" && !where.contains("model.layers") &&
      layers == configuration::model_keys{}.layers) {
    layers.front() = samples.width();
    layers.back() = samples.classes;
  }
  return layers;
}

gpu::shared_buffer initial_for(
    const configuration& what, const models::model& model) {
  if (what.model.init.empty())
    return {};
  const auto layout = models::layout(model);
  if (is_manifest(what.model.init))
    return read_checkpoint(files::system(), what.model.init, layout).parameters;
  auto file = read_model(files::system(), what.model.init);
  return gathered(what.model.init, file, layout);
}

} // namespace

std::vector<training::view> topology::client_data() const {
  if (config_.is_mesh())
    return {training_data()};
  if (config_.federation.clients == 0)
    return {};
  if (auto all = std::get_if<training::view>(&samples_))
    return divide(config_, *all);
  if (auto own = std::get_if<own_data>(&samples_))
    return *own;
  return std::vector<training::view>(config_.federation.clients);
}

const training::view& topology::training_data() const {
  static const training::view none;
  const auto* all = std::get_if<training::view>(&samples_);
  return all ? *all : none;
}

std::size_t topology::left_out(
    const std::vector<training::view>& clients) const {
  auto all = std::get_if<training::view>(&samples_);
  if (!all || clients.empty())
    return 0;
  auto left = all->size();
  for (const auto& each : clients)
    left -= each.size();
  return left;
}

topology from(const configuration& asked, const origins& where) {
  auto what = asked;
  topology result{what.run.name};
  training::view test;
  if (what.data.set == "synthetic") {
    auto made = data::synthetic(what.data.alpha, what.data.beta,
        what.federation.clients, what.run.seed);
    test = training::view{std::move(made.test)};
    result.samples_ = std::move(made.clients);
  } else if (!what.is_mesh() && what.federation.clients == 0) {
    test = training::view{data::test_part(what.data.set, what.data.path)};
  } else {
    auto read = what.data.set == "idx" ? data::idx(what.data.path)
                                       : data::fashion_mnist(what.data.path);
    test = training::view{std::move(read.test)};
    result.samples_ = training::view{std::move(read.train)};
  }
  what.model.layers = layers_for(what, where, test.set());
  const auto model = model_for(what, test.set());
  result.initial_ = initial_for(what, model);
  result.model(model);
  result.test_ = std::move(test);
  result.config_ = std::move(what);
  return result;
}

topology at_home(
    const configuration& what, const training::shared_dataset& own) {
  topology result{what.run.name};
  const auto model = model_for(what, *own);
  training::check_fit(model, own);
  result.model(model);
  result.samples_ = topology::own_data{training::view{own}};
  result.config_ = what;
  return result;
}

} // namespace troupe
