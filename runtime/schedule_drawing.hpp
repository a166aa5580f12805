#pragma once

#include <string>

#include "protocols/collective/algorithm.hpp"

namespace troupe {

/// Schedules for people: a heading with what they cost, then every step.
std::string schedule_text(
    const collective::task& of, double alpha_seconds, double bytes_per_second);

/// The same as an SVG document: ranks are lines from left to right, rounds lie
/// side by side, an arrow is a span on its way. What comes to be added has a
/// full head, what takes a place an open one.
std::string schedule_drawing(const collective::task& of);

} // namespace troupe
