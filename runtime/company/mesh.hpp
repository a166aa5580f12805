#pragma once

#include <memory>
#include <vector>

#include "actors/parallel/conductor.hpp"
#include "protocols/parallel/meeting_room.hpp"
#include "protocols/parallel/plan.hpp"
#include "runtime/company/company.hpp"

namespace troupe {

/// A run of ranks: a conductor, and in this process as many ranks as are its
/// own.
class mesh_company final : public company {
public:
  mesh_company(const topology& what, const run_options& how);

  run_report play(const run_directory& place, const past& before,
      interruption& signals) override;

private:
  parallel::conductor_options options(const past& before) const;
  std::vector<parallel::rank_actor> spawn_ranks();

  parallel::plan plan_;
  training::view data_;
  std::shared_ptr<parallel::meeting_room> room_;
  parallel::conductor conductor_;
};

} // namespace troupe
