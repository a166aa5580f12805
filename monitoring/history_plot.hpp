#pragma once

#include <string>
#include <vector>

#include "monitoring/history_row.hpp"

namespace troupe::monitoring {

/// Draws accuracy and loss over versions, or whatever else a `version` is, as
/// an SVG document of its own: no script, no font and no file besides. Light or
/// dark as the reader prefers.
///
/// Rows come in order of version. A value that is not finite leaves a gap in
/// its curve and no other mark; thousands of rows are thinned to what a screen
/// can show, keeping every peak. No rows: axes and a word.
std::string history_plot(const std::string& title,
    const std::vector<history_row>& rows,
    const std::string& version = "version");

} // namespace troupe::monitoring
