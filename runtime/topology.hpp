#pragma once

#include "gpu/buffer.hpp"
#include "gpu/models/model.hpp"
#include "gpu/training/dataset.hpp"
#include "gpu/training/learner.hpp"
#include "runtime/company/attendance.hpp"
#include "runtime/configuration/configuration.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/servers.hpp"
#include "runtime/topology/client_methods.hpp"
#include "runtime/topology/ends.hpp"
#include "runtime/topology/mesh.hpp"
#include "runtime/topology/samples.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe {

/// How fast its clients are; the keys of [clock].
using virtual_clock = configuration::clock_keys;

/// Makes the user's own rule as it is at the start of a run; it is told what
/// every rule is. `decides` says what a rule promises.
using rule_factory = std::function<federated::rule(const federated::settings&)>;

/// What to train, on whose data, under which rule: everything about a run that
/// is not about the process it runs in. It is a federation, of clients with
/// data of their own under a rule, or a mesh, of workers that take one set of
/// samples in step.
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
///     auto run = topology{"fashion"}
///         .model(models::mlp({784, 200, 200, 10}))
///         .workers(4, adamw{.lr = 3e-4f}, all_reduce{.batch = 64}, set.train)
///         .evaluate(set.test, every{100})
///         .until(steps{1000});
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

  // A federation.

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

  /// Updates count in the order of a virtual clock: one seed gives one model
  /// under any rule. Without it, as they come.
  topology& order(const virtual_clock& how = {});

  // A mesh.

  /// So many workers, a rank each, minimise the mean loss over `on`; in what
  /// order samples come, the seed says.
  topology& workers(std::uint64_t count, const optimiser_choice& how = sgd{},
      const sync_choice& agree = all_reduce{}, samples on = {});
  topology& optimiser(const optimiser_choice& how);
  topology& rate(const rate_choice& how);
  /// They agree through these, in place of whatever `workers` named.
  topology& parameter_server(
      troupe::shards parts = {}, const staleness_choice& bound = bsp{});
  /// With how many it goes on when others are gone.
  topology& min_workers(std::uint64_t count);

  // Both.

  /// Every ten versions, or every hundred steps of a mesh.
  topology& evaluate(samples test);
  topology& evaluate(samples test, every so_many);

  /// When to stop: whichever of these comes first.
  topology& until(rounds end);
  topology& until(versions end);
  topology& until(steps end);
  topology& until(accuracy end);

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
  /// What a run counts: "round", "version" or "step".
  std::string_view unit() const;
  /// All samples that a mesh trains on.
  const training::view& training_data() const;
  /// What each client trains on, `federation.clients` views; those of clients
  /// without data are empty. Of a mesh, one view of all. Divides the samples
  /// anew: call it once.
  /// Throws `std::invalid_argument` when they cannot be divided so.
  std::vector<training::view> client_data() const;
  /// How many samples none of `clients`, its data, has.
  std::size_t left_out(const std::vector<training::view>& clients) const;
  const training::view& test_data() const noexcept { return test_; }
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
  void check_federation(
      const origins& where, std::vector<std::string>& found) const;
  void check_mesh(std::vector<std::string>& found) const;

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
  bool evaluates_as_said_ = false; ///< or as its kind does
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
