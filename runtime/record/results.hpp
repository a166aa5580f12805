#pragma once

#include "gpu/layout.hpp"
#include "protocols/run.hpp"
#include "runtime/record/run_directory.hpp"
#include "runtime/record/summary.hpp"

namespace troupe {

/// Writes what a run that has ended leaves: model.safetensors and
/// summary.json, with digests and the best score of its history.
/// No model where there are no parameters.
void write_results(const run_directory& place, const gpu::layout& layout,
    const run_report& report, summary what);

} // namespace troupe
