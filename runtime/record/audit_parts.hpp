#pragma once

#include <string>

#include "protocols/facts.hpp"
#include "runtime/files/files.hpp"
#include "runtime/record/run_directory.hpp"
#include "runtime/record/story.hpp"

// What an audit looks at, one by one: each answers what is proven, and throws
// `std::runtime_error` with what contradicts what.
namespace troupe {

std::string look_at_checkpoints(
    files& disk, const run_directory& place, const story& told);
std::string look_at_model(
    files& disk, const run_directory& place, const story& told);
std::string look_at_summary(
    files& disk, const run_directory& place, const story& told);
std::string look_at_history(
    files& disk, const run_directory& place, const story& told);

/// Whether its summary is a simulation's.
bool was_simulated(files& disk, const run_directory& place);
/// The run has done all that it was to do.
bool is_finished(const story& told);
/// The first of the highest accuracy; null: none was scored.
const facts::evaluated* best_score(const story& told);

} // namespace troupe
