#pragma once

#include "gpu/buffer.hpp"
#include "gpu/models/model.hpp"
#include "gpu/training/dataset.hpp"
#include "gpu/training/learner.hpp"
#include "runtime/company/attendance.hpp"
#include "runtime/configuration/configuration.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/servers.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe {

/// How clients descend; the keys [client] lr to clip.
struct sgd {
  float lr = 0.05f;
  float lr_decay = 1.0f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};

/// The same, and its objective has mu/2 |w - start|^2 (FedProx, Li et al.
/// 2020).
struct fedprox {
  float lr = 0.05f;
  float mu = 0.01f;
  float lr_decay = 1.0f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};

/// As `sgd` does; but updates count by what their local steps amount to
/// (FedNova, Wang et al. 2020).
struct fednova {
  float lr = 0.05f;
  float lr_decay = 1.0f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};

/// As `sgd` does, each gradient corrected by what the server and the client
/// know of how the client's differ (SCAFFOLD, Karimireddy et al. 2020).
struct scaffold {
  float lr = 0.05f;
  float lr_decay = 1.0f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};

/// Each client's objective has a term that moves from round to round, until all
/// of them agree with the sum (FedDyn, Acar et al. 2021).
struct feddyn {
  float lr = 0.05f;
  float alpha = 0.01f;
  float lr_decay = 1.0f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};

/// How clients train; the key client.method.
using client_method = std::variant<sgd, fedprox, fednova, scaffold, feddyn>;

/// How much a client trains under one lease; `steps` > 0 replaces `epochs`.
struct local {
  std::uint32_t epochs = 1;
  std::uint32_t steps = 0;
  std::uint32_t batch = 10; ///< 0: all samples at once
  float seconds = 0.0f;     ///< what it has by then is its update; 0: all of it
};

/// How fast its clients are; the keys of [clock].
using virtual_clock = configuration::clock_keys;

/// Makes the user's own rule as it is at the start of a run; it is told what
/// every rule is. `decides` says what a rule promises.
using rule_factory = std::function<federated::rule(const federated::settings&)>;

struct every {
  std::uint64_t versions = 10;
};
struct rounds {
  std::uint64_t count = 50;
};
struct versions {
  std::uint64_t count = 50;
};
struct accuracy {
  double target = 1.0;
};

/// Samples as a topology takes them: a view, or all of a data set.
class samples {
public:
  samples() = default;
  samples(training::view some) : view_(std::move(some)) {}
  samples(training::shared_dataset all) : view_(std::move(all)) {}

  const training::view& view() const noexcept { return view_; }

private:
  training::view view_;
};

/// Samples and the way in which the clients share them; the keys
/// data.partition, shards_per_client, labels_per_client and alpha.
struct division {
  training::view of;
  std::string partition = "iid";
  std::uint64_t shards_per_client = 2;
  std::uint64_t labels_per_client = 2;
  double alpha = 0.5;
};

namespace data {

/// Every client gets as many samples as any other, drawn at random.
division iid(samples of);
/// Samples sorted by label and cut into shards; each client gets a few.
division shards(samples of, std::uint64_t per_client = 2);
/// Each client's mixture of labels is drawn from Dirichlet(alpha).
division dirichlet(samples of, double alpha = 0.5);
/// The clients' numbers of samples are drawn from Dirichlet(alpha).
division quantity(samples of, double alpha = 0.5);
/// Client i has label i mod classes, and others at random.
division labels(samples of, std::uint64_t per_client = 2);
/// Each label's samples are divided in proportions drawn from Dirichlet(alpha).
division label_dirichlet(samples of, double alpha = 0.5);

} // namespace data

/// What to train, on whose data, under which rule: everything about a run that
/// is not about the process it runs in.
///
///     auto run = topology{"fashion"}
///         .model(models::mlp({784, 200, 200, 10}))
///         .aggregator(fedavg{.fraction = 0.1})
///         .clients(100, sgd{.lr = 0.05f}, local{.epochs = 1, .batch = 10},
///             data::iid(set.train))
///         .evaluate(set.test, every{10})
///         .until(rounds{50});
///     return launch(run, argc, argv);
///
/// A value over shared, immutable data: cheap to copy. Nothing is computed
/// before it is launched, so `--set` and `--seed` still count.
class topology {
public:
  explicit topology(std::string name);

  topology& seed(std::uint64_t value);

  /// One of Troupe's models, trained by stochastic gradient descent.
  topology& model(models::model what);
  /// The user's own learner; `name` is what people call it.
  topology& learner(training::learner_factory make, std::string name);
  /// Version 0, instead of what the learner draws from the seed.
  topology& start_from(gpu::shared_buffer parameters);

  /// One of Troupe's rules, by its options: `fedavg{.fraction = 0.1}`.
  template <class Options>
  topology& aggregator(const Options& how) {
    choose_rule(config_, how);
    make_rule_ = {};
    return *this;
  }
  /// The user's own rule; `name` is what people call it, `unit` what its runs
  /// count: "round" or "version". It may go by federation.weighting,
  /// min_updates, lease_seconds and the server's keys; other keys of
  /// [federation] are not its.
  topology& aggregator(
      rule_factory make, std::string name, std::string unit = "version");

  /// What becomes of the mean of the updates: `fedadam{.lr = 0.01}`. For rules
  /// that average; without it, the mean is added as it is.
  topology& server(const gpu::server_options& how);

  /// So many actors sum and publish, each a range of the model; the bits are
  /// the same.
  topology& shards(std::uint64_t count);

  /// So many clients divide the samples among them.
  topology& clients(std::uint64_t count, const client_method& how,
      const local& much, division among);
  /// One client for each view, which is its own.
  topology& clients(std::vector<training::view> own, const client_method& how,
      const local& much);
  /// Clients whose data the learner alone knows: their updates count alike, so
  /// the aggregator's weighting has to be "uniform".
  topology& clients(std::uint64_t count, const client_method& how = {},
      const local& much = {});

  /// Nodes may bring clients with data of their own, on top of those that the
  /// topology has, which may be none. So many have to be there to begin.
  topology& residents(std::uint64_t to_begin = 1);

  /// The clients come and go while the run goes on; none is there at first.
  topology& meanwhile(coming_and_going how);

  topology& evaluate(samples test, every so_many = {});

  /// When to stop: whichever of these comes first.
  topology& until(rounds end);
  topology& until(versions end);
  topology& until(accuracy end);

  /// Updates count in the order of a virtual clock: one seed gives one model
  /// under any rule. Without it, as they come.
  topology& order(const virtual_clock& how = {});

  /// Where to train: `cpu`, `cuda:0`, or `cuda` for every GPU. Without it: on
  /// every GPU if there is one, else on the CPU.
  topology& devices(std::vector<std::string> names);
  /// Clients that a device trains at once: one number for all devices, or
  /// {{"cpu", 2}, {"cuda:0", 4}}. 0: as many as suit it.
  topology& slots(slot_counts counts);

  const configuration& config() const noexcept { return config_; }
  const training::learner_factory& learner() const noexcept { return learner_; }
  /// The model, unless the learner is the user's own.
  const std::optional<models::model>& model() const noexcept { return model_; }
  /// The rule at the start of a run.
  federated::rule rule() const;
  /// What a run counts: "round" or "version".
  std::string_view unit() const;
  /// What each client trains on, `federation.clients` views; those of clients
  /// without data are empty. Divides the samples anew: call it once.
  /// Throws `std::invalid_argument` when they cannot be divided so.
  std::vector<training::view> client_data() const;
  /// How many samples none of `clients`, its data, has.
  std::size_t left_out(const std::vector<training::view>& clients) const;
  const training::view& test_data() const noexcept { return test_; }
  /// What a mesh trains on: all of it.
  const training::view& training_data() const {
    return std::get<training::view>(samples_);
  }
  /// None: everybody is there from the first to the last.
  const std::optional<coming_and_going>& movement() const noexcept {
    return movement_;
  }
  /// Every data set that its views show, once.
  std::vector<const training::dataset*> data_sets() const;
  /// Null: the learner initialises.
  const gpu::shared_buffer& initial() const noexcept { return initial_; }

  /// The same with other settings, "section.key=value" each. What the program
  /// brings itself (data, model) is refused by name.
  /// Throws `configuration_error`.
  topology with(const std::vector<std::string>& settings) const;

  /// Everything that a launch would refuse, one line each.
  std::vector<std::string> problems(const origins& where = {}) const;

private:
  friend topology from(const configuration& what, const origins& where);
  friend topology at_home(
      const configuration& what, const training::shared_dataset& own);

  topology& train(const client_method& how, const local& much);
  void check_clients(
      const origins& where, std::vector<std::string>& found) const;
  void check_division(
      const origins& where, std::vector<std::string>& found) const;

  using no_data = std::monostate;
  using own_data = std::vector<training::view>;

  configuration config_;
  training::learner_factory learner_;
  std::optional<models::model> model_;
  rule_factory make_rule_; ///< the user's own, else `config_` names it
  std::string unit_;       ///< of the user's own
  gpu::shared_buffer initial_;
  std::variant<no_data, training::view, own_data> samples_;
  training::view test_;
  std::optional<coming_and_going> movement_;
};

/// A configuration that cannot be run; the text has one line a problem.
class configuration_error : public std::runtime_error {
public:
  explicit configuration_error(const std::vector<std::string>& problems);
};

/// The topology that a configuration describes: loads the data, makes the
/// model, reads the initial parameters. Default layers that `where` has no
/// place for take the data's width and classes. Throws `configuration_error`,
/// or what the readers of files throw.
topology from(const configuration& what, const origins& where = {});

/// The same at the node of a resident, whose data it has alone; `what` is
/// effective. Throws `std::invalid_argument` where they do not fit the model.
topology at_home(
    const configuration& what, const training::shared_dataset& own);

} // namespace troupe
