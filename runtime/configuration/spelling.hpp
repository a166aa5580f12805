#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace troupe {

/// Insertions, deletions, replacements and swaps of neighbours that turn one
/// word into the other (optimal string alignment), upper and lower case alike.
std::size_t typing_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, the first of equals; empty when none is
/// near enough to be meant: one slip for every three letters.
std::string_view nearest(
    std::string_view word, std::span<const std::string_view> candidates);

/// " (did you mean X?)", or nothing when no candidate is near.
std::string did_you_mean(
    std::string_view word, std::span<const std::string_view> candidates);

} // namespace troupe
