#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "actors/parallel/conductor.hpp"
#include "gpu/models/model.hpp"
#include "protocols/parallel/plan.hpp"
#include "tests/runtime/collective/some_ranks.hpp"

namespace troupe::tests {

/// A small mesh in this process: real conductor, ranks on threads of their own,
/// a scribe that keeps everything in memory.
struct some_mesh {
  parallel::plan how;
  std::uint32_t ranks = 1; ///< that are there; `how.workers` is set to it
  std::uint64_t steps = 5;
  std::uint64_t evaluate_every = 0;
  std::uint64_t checkpoint_every = 0; ///< 0: only the last
  double target_accuracy = 0.0;
  std::size_t hidden =
      9; ///< values, of one layer, or of two where they are many
  parallel::state_held from{};
  double bad_feature = 0.0; ///< of the last sample
  joined_by by = joined_by::process;
  /// Called with every fact, from the scribe's thread; may dismiss a rank.
  std::function<void(const fact&, const std::vector<parallel::rank_actor>&,
      const parallel::conductor&)>
      on_fact{};
};

struct mesh_result {
  run_report report;
  std::vector<float> parameters; ///< that were handed over last
  named_blocks blocks;           ///< likewise
  std::vector<fact> facts;
  std::vector<version_id> stored;

  template <class Fact>
  std::vector<Fact> all() const {
    std::vector<Fact> result;
    for (const auto& one : facts)
      if (const auto* what = std::get_if<Fact>(&one.what))
        result.push_back(*what);
    return result;
  }
};

mesh_result play(const some_mesh& what);

/// The samples that `play` trains on: 96 of 12 values, in three classes.
training::shared_dataset mesh_data(double bad_feature = 0.0);
models::model mesh_model(std::size_t hidden = 9);

} // namespace troupe::tests
