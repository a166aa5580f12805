#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "protocols/collective/algorithm.hpp"
#include "protocols/collective/schedule.hpp"

namespace troupe::collective {

/// Ranks, or leaves, that symbols tell apart.
inline constexpr std::size_t most_proven = 64;

/// Carries a schedule out on symbols, over channels that hold nothing, and says
/// what is wrong with it for its task: somebody waits for ever, a contribution
/// is missing from a result or counts twice, or it takes other rounds, messages
/// and elements than `formula_of` says. Empty: it is proven.
std::string fault_of(const schedule& x, const task& of);

/// The same for `scattered` and `gathered` parts of any sizes; of the task the
/// kind and the ranks count. Of its price only the elements are looked at, by
/// the ways that move each part to each other rank once.
std::string fault_of_parts(
    const schedule& x, const task& of, std::span<const range> parts);

/// The same for `canonical_schedule`, whose contributions are leaves.
std::string fault_of_canonical(
    const schedule& x, const task& of, std::span<const std::uint32_t> holders);

} // namespace troupe::collective
