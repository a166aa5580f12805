#pragma once

#include <memory>
#include <vector>

#include "actors/federated/aggregator_options.hpp"
#include "gpu/training/learner.hpp"
#include "runtime/company/company.hpp"
#include "runtime/company/edges.hpp"
#include "runtime/company/hall.hpp"
#include "runtime/company/regions.hpp"

namespace troupe {

/// A run of clients: an aggregator, shards, workers, slots.
class federation final : public company {
public:
  federation(const topology& what, const run_options& how);

  run_report play(const run_directory& place, const past& before,
      interruption& signals) override;

private:
  federation(const topology& what, const run_options& how,
      std::unique_ptr<training::learner> probe);

  gpu::shared_buffer start(const past& before);
  named_blocks kept(const past& before) const;
  aggregator_options plan(
      const past& before, gpu::shared_buffer parameters, named_blocks blocks);
  std::shared_ptr<const crew> spawn_all(const run_directory& place,
      const past& before, const gpu::shared_buffer& parameters,
      const named_blocks& blocks);
  cluster::cluster_run as_a_cluster(
      const run_directory& place, const past& before) const;
  double memory() const;
  void gather_workers(crew& who, const past& before);
  void gather_regions(crew& who, const past& before);
  bool comes_and_goes() const noexcept { return what_.movement().has_value(); }
  std::size_t depth() const;
  std::size_t adding() const;
  gpu::device sums_at() const;

  std::unique_ptr<training::learner> probe_;
  std::vector<training::view> data_;
  aggregator aggregator_;
  std::shared_ptr<attendance::hall> hall_; ///< where clients come and go
  spawned_regions regions_;
  spawned_edges edges_;
};

} // namespace troupe
