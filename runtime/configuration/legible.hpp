#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe {

/// At most `most` bytes of a UTF-8 text, cut between characters and then ended
/// by "...": a person recognises a value by its start.
std::string shortened(std::string text, std::size_t most = 60);

/// The same, in quotes and escaped where it holds control characters, so that
/// it stays on the line of its message.
std::string legible(std::string_view text, std::size_t most = 60);

} // namespace troupe
