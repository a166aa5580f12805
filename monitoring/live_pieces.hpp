#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace troupe::monitoring {

/// A piece of a line that has to fit a width. Of those that do not, the one
/// that matters least goes first.
struct live_piece {
  std::string text;
  int matters = 0;
};

/// The pieces in a row, in at most `width` columns. With the first one still
/// there, a bar of which `part` is full takes the second place if there is room
/// for it.
std::string laid_out(
    std::vector<live_piece> pieces, double part, std::size_t width);

} // namespace troupe::monitoring
