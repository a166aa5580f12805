#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include "gpu/layout.hpp"
#include "monitoring/exposer.hpp"
#include "monitoring/metrics.hpp"
#include "monitoring/outlet.hpp"
#include "protocols/observer.hpp"
#include "protocols/run.hpp"
#include "runtime/cluster/coordinator.hpp"
#include "runtime/company/interruption.hpp"
#include "runtime/configuration/device_choice.hpp"
#include "runtime/launch.hpp"
#include "runtime/record/chronicle.hpp"
#include "runtime/record/run_directory.hpp"
#include "runtime/record/summary.hpp"
#include "runtime/topology.hpp"

namespace troupe {

/// The actors of one run in this process, from the first to the last: those of
/// a federation, or of a mesh.
///
///     auto players = gather(what, how);          takes the metrics port
///     players->play(place, before, signals);     trains and writes; blocks
///     players->leave(code);         ends the process if a thread hangs
///
/// One run a company.
class company {
public:
  virtual ~company();
  company(const company&) = delete;
  company& operator=(const company&) = delete;

  const gpu::layout& layout() const noexcept { return layout_; }
  /// The topology's, with all that the choice of devices depends on.
  const configuration& config() const noexcept { return settled_; }
  const device_choice& devices() const noexcept { return devices_; }
  /// What it trains on, and what the run begins with.
  const facts::provenance& from() const noexcept { return from_; }
  /// What the summary tells beside the report.
  const summary& account() const noexcept { return account_; }

  /// Where nodes may join; empty: nowhere.
  std::string listens_at() const;
  /// Where metrics are served; empty: nowhere.
  std::string metrics() const;

  /// Signals are kept for it; one interrupts the run.
  virtual run_report play(const run_directory& place, const past& before,
      interruption& signals) = 0;

  /// Ends the process at once with `code` if a thread will never come back;
  /// everything that must be on disk has to be there. Else returns.
  void leave(int code);

protected:
  company(const topology& what, const run_options& how, gpu::layout layout);

  /// What a company's own actors take, beside those of every run.
  struct room {
    std::size_t computing = 0;   ///< threads that multiply
    std::size_t others = 0;      ///< threads
    double memory = 0.0;         ///< bytes
    std::size_t most_values = 0; ///< of a tensor that nodes send
  };
  /// Opens the port, starts the actor system, serves metrics.
  void open(const room& wanted);

  /// The run's header as far as every run's is alike.
  facts::run_header header(
      const past& before, std::string rule, std::uint64_t to_do) const;
  /// The facts that a process tells first.
  static std::vector<fact> preface(const past& before);
  bool promises_bits(const past& before) const;
  chronicle_options recorded(const run_directory& place, const past& before,
      std::string rule, std::size_t shards) const;
  /// Monitor and progress.
  std::vector<observer> spawn_observers(const past& before);
  /// The run's record is complete; what it could not write is said.
  void seal(caf::scoped_actor& self, const scribe& record, run_report& report);
  /// To the nodes, if there are any.
  void say_how_it_ended(const run_report& report);
  /// The last lines come before anything else that is said.
  void await_end(caf::scoped_actor& self, const std::vector<observer>& readers);

  const topology& what_;
  const run_options& how_;
  device_choice devices_;
  configuration settled_;
  gpu::layout layout_;
  facts::provenance from_;
  monitoring::outlet_stream screen_{monitoring::standard_output()};
  caf::actor_system_config config_;
  std::unique_ptr<cluster::coordinator> cluster_; ///< outlives its doors
  std::unique_ptr<caf::actor_system> system_;
  std::optional<monitoring::metrics> figures_;
  std::optional<monitoring::exposer> exposer_;
  summary account_;
  std::uint64_t slots_lost_ = 0;

private:
  void expose(const monitoring::wire_figures* wires);
};

/// The company that plays `what`. Throws what says why the run cannot start: a
/// taken port, parameters that do not fit the model, clients that cannot share
/// the samples.
std::unique_ptr<company> gather(const topology& what, const run_options& how);

} // namespace troupe
