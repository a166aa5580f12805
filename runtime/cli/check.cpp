#include "gpu/layout.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cli/load.hpp"
#include "runtime/company/memory.hpp"
#include "runtime/configuration/device_choice.hpp"
#include "runtime/configuration/levels.hpp"
#include "runtime/configuration/mesh_choice.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/rules.hpp"
#include "runtime/data/label_table.hpp"
#include "runtime/record/run_directory.hpp"
#include "runtime/simulation/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <ostream>
#include <unistd.h>

namespace troupe::cli {

namespace {

using views = std::vector<training::view>;

// The nearest directory that is there decides whether the rest can be made.
std::string unfit(const std::filesystem::path& directory) {
  auto at = std::filesystem::absolute(directory).lexically_normal();
  while (!std::filesystem::exists(at) && at.has_relative_path())
    at = at.parent_path();
  if (!std::filesystem::is_directory(at))
    return fmt::format("{} is not a directory", at.string());
  if (access(at.c_str(), W_OK | X_OK) != 0)
    return fmt::format("{} cannot be written", at.string());
  run_directory there{directory};
  if (there.holds_run())
    return fmt::format("{} holds a run already", directory.string());
  return {};
}

// Of a simulation, if there is to be one.
std::string unfit_trace(const troupe::topology& what) {
  const auto& c = what.config();
  if (c.run.order != "virtual" || c.simulation.trace.empty())
    return {};
  try {
    simulation::read_trace(
        files::system(), c.simulation.trace, c.federation.clients);
    return {};
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

std::string spread(const views& clients) {
  if (clients.empty())
    return "as many as each has";
  std::vector<std::size_t> sizes;
  for (const auto& each : clients)
    sizes.push_back(each.size());
  std::sort(sizes.begin(), sizes.end());
  return fmt::format("min {}, median {}, max {}", sizes.front(),
      sizes[sizes.size() / 2], sizes.back());
}

// Nothing where every sample is some client's.
std::string left_out(const troupe::topology& what, const views& clients) {
  auto left = what.left_out(clients);
  return left == 0 ? ""
                   : fmt::format(" {} of labels that no client has;", left);
}

std::size_t bytes(const training::dataset& set) {
  return std::visit([](const auto& x) { return x.size() * sizeof(x.front()); },
             set.features) +
         set.labels.size();
}

// Nothing where the mean is added as it is.
std::string server(const configuration& what) {
  if (what.is_mesh() || what.federation.server == "average")
    return {};
  return fmt::format("  server      {}, rate {}\n", what.federation.server,
      what.federation.server_lr);
}

// Whether the seed alone decides what comes out.
std::string repeats(const configuration& what) {
  if (what.is_mesh())
    return bits_without_ranks(what) ? "by its seed, with any number of ranks"
           : ranks_repeat_by_seed(what)
               ? "by its seed, with as many ranks that "
                 "all stay"
               : "by nothing: ranks do not wait for "
                 "each other's steps";
  if (repeats_by_seed(what))
    return what.run.order == "virtual"
               ? "by its seed, in virtual order, at any number of slots, if no "
                 "lease overruns federation.lease_seconds by the wall's clock"
               : "by its seed, at any number of slots";
  if (leases_regions(what))
    return fmt::format("by nothing: {} goes by the order of arrival, and what "
                       "regions trained is not in its journal",
        what.federation.rule);
  auto row = find_rule(what.federation.rule);
  return fmt::format(
      "by its journal (troupe audit DIR --retrain): {}{} goes by "
      "the order of arrival; with run.order = \"virtual\", by its seed",
      what.federation.rule,
      row && row->by_seed(row->defaults) ? " with these keys" : "");
}

std::string turnout(const troupe::topology& what) {
  const auto& config = what.config();
  return config.federation.residents || !config.federation.regions.empty()
             ? fmt::format("{}, {}", who_trains(config), pace(config))
             : fmt::format("{}, {} a {}", config.federation.clients,
                   cohort(config), what.unit());
}

std::string of_clients(const troupe::topology& what, const views& clients) {
  return fmt::format("  clients     {}\n  samples     {} a client;{} "
                     "{} to test on\n",
      turnout(what), spread(clients), left_out(what, clients),
      what.test_data().size());
}

std::string of_ranks(const troupe::topology& what) {
  const auto& config = what.config();
  const auto samples = what.training_data().size();
  return fmt::format(
      "  ranks       {}, by {}\n  step        {}, {:.1f} steps a "
      "pass over the data\n  optimiser   {}\n"
      "  samples     {}; {} to test on\n",
      config.parallel.workers, agreement(config), step_size(config),
      static_cast<double>(samples) / static_cast<double>(config.parallel.batch),
      descent(config), samples, what.test_data().size());
}

std::string summary(const troupe::topology& what, const views& clients) {
  const auto& config = what.config();
  auto parameters = gpu::size(what.learner()({})->layout());
  auto chosen = choose_devices(config);
  auto memory =
      parameter_memory(static_cast<double>(parameters), chosen, config);
  for (auto set : what.data_sets())
    memory += static_cast<double>(bytes(*set));
  return fmt::format("{}  model       {}, {} parameters\n"
                     "{}  compute     {}\n  memory      about {} MiB\n"
                     "  repeats     {}\n",
      config.is_mesh() ? of_ranks(what) : of_clients(what, clients),
      config.model.kind, parameters, server(config), chosen.text(),
      std::floor(memory / (1 << 20)) + 1, repeats(config));
}

} // namespace

int check(const arguments& given, console& to) {
  const auto& file = given.operands().front();
  auto what = load_topology(file, settings(given), to);
  auto trouble = unfit(given.value("out", "runs"));
  if (!trouble.empty())
    to.err << trouble << "; choose another directory with --out\n";
  if (const auto torn = what ? unfit_trace(*what) : std::string{};
      !torn.empty()) {
    to.err << torn << "\n";
    trouble = torn;
  }
  if (!what || !trouble.empty())
    return misused;
  if (what->config().is_mesh() && given.has("labels"))
    throw usage_error{"--labels shows what clients have, and a mesh has none"};
  auto clients = what->client_data();
  to.out << file << ": ok\n" << summary(*what, clients);
  if (given.has("labels"))
    to.out << "\n" << data::to_text(data::tabulate(clients), clients.size());
  return done;
}

} // namespace troupe::cli
