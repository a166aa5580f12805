#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/run.hpp"
#include "runtime/simulation/account.hpp"

namespace troupe {

/// What `summary.json` tells beside the report.
struct summary {
  std::string name;
  std::string rule;
  std::string fingerprint;
  std::string model_sha256;   ///< over the parameters' bytes
  std::string file_sha256;    ///< over those of model.safetensors
  double best_accuracy = 0.0; ///< of all processes of the run
  version_id best_version = 0;
  double wall_seconds = 0.0;    ///< of this process
  double startup_seconds = 0.0; ///< from its start to the first lease
  bool promises_bits = true;    ///< one numeric fingerprint computed all of it
  bool of_mesh = false;         ///< its updates are samples
  std::optional<simulation::figures> simulated{}; ///< none: it was a run
};

/// The text of `summary.json`.
std::string to_json(const summary& what, const run_report& report);

/// How a run came to an end, as its `summary.json` has it.
struct summed_end {
  std::string outcome;
  version_id version = 0;
  std::uint64_t updates = 0;
  double seconds = 0.0; ///< of training, in the last process
};

/// None if the text is torn.
std::optional<summed_end> end_of(std::string_view json);

} // namespace troupe
