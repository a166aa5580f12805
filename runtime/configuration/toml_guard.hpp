#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// A character that no TOML text may hold where it stands.
struct stray {
  std::size_t line = 0; ///< from 1
  std::string text;     ///< the character, one to four bytes of UTF-8
};

/// Finds the first character beyond ASCII outside strings and comments, most
/// often a curly quote. toml++ 3.3 refuses them too, but behaves in no defined
/// way when it looks whether one is a blank. Text without is for it to judge.
std::optional<stray> find_stray(std::string_view text);

} // namespace troupe
