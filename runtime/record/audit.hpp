#pragma once

#include <functional>
#include <string>
#include <vector>

#include "protocols/ids.hpp"
#include "runtime/configuration/configuration.hpp"
#include "runtime/files/files.hpp"
#include "runtime/record/run_directory.hpp"
#include "runtime/topology.hpp"

namespace troupe {

/// What an audit has to say about one thing.
struct finding {
  bool sound = true;
  std::string subject; ///< "model.safetensors"
  std::string text;    ///< what is proven, or what contradicts what
};

/// What the files of a run prove by themselves: that each can be read, and that
/// they tell one story. Trains nothing, so the numbers in them are taken at
/// their word. A run that was killed, or goes on, has fewer files; what is
/// there is looked at. `then` is its configuration.
std::vector<finding> audited(
    files& disk, const run_directory& place, const configuration& then);

/// Versions made anew so far, and in all.
using retraining_progress = std::function<void(version_id, version_id)>;

/// Trains every update again that the run's journal tells of, in one thread of
/// the CPU, and compares the bits: of each version that the journal has a
/// digest of, and of model.safetensors. Throws what `replay` throws.
finding retrained(files& disk, const run_directory& place,
    const topology& again, const retraining_progress& each);

} // namespace troupe
