#pragma once

#include <string>

#include "protocols/pipeline/timetable.hpp"

namespace troupe {

/// A pipeline for people: what each rank does when, one line a rank, then what
/// it is idle and holds, and how far that is from the formula. F, B and W stand
/// for forward, backward and gradients of weights, a number for the
/// micro-batch, a letter for the chunk where there are several.
std::string pipeline_text(const pipeline::plan& of, const pipeline::costs& at);

/// The same as an SVG document: ranks are rows, time runs to the right, what is
/// left blank of a row is idle.
std::string pipeline_drawing(
    const pipeline::plan& of, const pipeline::costs& at);

} // namespace troupe
