#pragma once

#include <cstddef>
#include <memory>

#include "actors/parallel/conductor.hpp"
#include "protocols/parallel/meeting_room.hpp"
#include "protocols/parallel/plan.hpp"
#include "runtime/company/company.hpp"

namespace troupe {

/// A run of ranks: a conductor, and in this process all of them; or, where
/// nodes may join, as many as it has slots, and nodes have the others.
class mesh_company final : public company {
public:
  mesh_company(const topology& what, const run_options& how);

  run_report play(const run_directory& place, const past& before,
      interruption& signals) override;

private:
  parallel::conductor_options options(const past& before) const;
  std::size_t own_ranks() const;
  std::shared_ptr<parallel::meeting_room> make_room() const;
  cluster::cluster_run as_a_cluster(const past& before) const;

  parallel::plan plan_;
  training::view data_;
  std::shared_ptr<parallel::meeting_room> room_;
  parallel::conductor conductor_;
};

} // namespace troupe
