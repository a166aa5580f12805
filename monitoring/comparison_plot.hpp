#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitoring/history_row.hpp"

namespace troupe::monitoring {

/// One run of a comparison.
struct compared_curve {
  std::string name;
  std::string note; ///< behind its name in the legend
  std::vector<history_row> rows;
};

/// Draws the accuracy of several runs, over versions and over seconds - virtual
/// ones where all of them go by a virtual clock -, as an
/// SVG document of its own like `history_plot`. A run has a colour that the
/// colour-blind tell from the others and dashes, so that equal curves show each
/// other. A thin line stands at `target`, and a ring where a run first gets
/// there; a dot ends each run.
std::string comparison_plot(
    const std::vector<compared_curve>& runs, std::optional<double> target = {});

/// Whether a file's text is such a document.
bool is_comparison_plot(std::string_view text);

} // namespace troupe::monitoring
