#pragma once

#include <memory>
#include <optional>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include "actors/federated/aggregator_options.hpp"
#include "gpu/layout.hpp"
#include "monitoring/exposer.hpp"
#include "monitoring/metrics.hpp"
#include "monitoring/outlet.hpp"
#include "protocols/run.hpp"
#include "runtime/cluster/coordinator.hpp"
#include "runtime/company/edges.hpp"
#include "runtime/company/hall.hpp"
#include "runtime/company/interruption.hpp"
#include "runtime/company/regions.hpp"
#include "runtime/configuration/device_choice.hpp"
#include "runtime/launch.hpp"
#include "runtime/record/run_directory.hpp"
#include "runtime/record/summary.hpp"
#include "runtime/topology.hpp"

namespace troupe {

/// The actors of one run in this process, from the first to the last:
///
///     company players{what, how};   takes the metrics port, makes a learner
///     players.play(place, before, signals);      trains and writes; blocks
///     players.leave(code);          ends the process if a learner hangs
///
/// One run a company.
class company {
public:
  /// Throws what says why the run cannot start: a taken port, parameters that
  /// do not fit the model, clients that cannot share the samples.
  company(const topology& what, const run_options& how);
  ~company();

  const gpu::layout& layout() const noexcept { return layout_; }
  /// The topology's, with all that the choice of devices depends on.
  const configuration& config() const noexcept { return settled_; }
  const device_choice& devices() const noexcept { return devices_; }
  /// What its clients train on, and what the run begins with.
  const facts::provenance& from() const noexcept { return from_; }
  /// What the summary tells beside the report.
  const summary& account() const noexcept { return account_; }

  /// Where nodes may join; empty: nowhere.
  std::string listens_at() const;
  /// Where metrics are served; empty: nowhere.
  std::string metrics() const;

  /// Signals are kept for it; one interrupts the run.
  run_report play(
      const run_directory& place, const past& before, interruption& signals);

  /// Ends the process at once with `code` if a thread will never come back;
  /// everything that must be on disk has to be there. Else returns.
  void leave(int code);

private:
  void expose(const monitoring::wire_figures* wires);
  gpu::shared_buffer start(const past& before);
  named_blocks kept(const past& before) const;
  aggregator_options plan(
      const past& before, gpu::shared_buffer parameters, named_blocks blocks);
  std::shared_ptr<const crew> spawn_all(const run_directory& place,
      const past& before, const gpu::shared_buffer& parameters,
      const named_blocks& blocks);
  bool promises_bits(const past& before) const;
  cluster::cluster_run as_a_cluster(
      const run_directory& place, const past& before) const;
  double memory() const;
  void gather_workers(crew& who, const past& before);
  void gather_regions(crew& who, const past& before);
  bool comes_and_goes() const noexcept { return what_.movement().has_value(); }
  std::size_t depth() const;
  std::size_t adding() const;
  gpu::device sums_at() const;

  const topology& what_;
  const run_options& how_;
  device_choice devices_;
  configuration settled_;
  std::unique_ptr<training::learner> probe_;
  gpu::layout layout_;
  std::vector<training::view> data_;
  facts::provenance from_;
  monitoring::outlet_stream screen_{monitoring::standard_output()};
  caf::actor_system_config config_;
  std::unique_ptr<cluster::coordinator> cluster_; ///< outlives its doors
  std::unique_ptr<caf::actor_system> system_;
  std::optional<monitoring::metrics> figures_;
  std::optional<monitoring::exposer> exposer_;
  aggregator aggregator_;
  std::shared_ptr<attendance::hall> hall_; ///< where clients come and go
  spawned_regions regions_;
  spawned_edges edges_;
  summary account_;
  std::uint64_t slots_lost_ = 0;
};

} // namespace troupe
