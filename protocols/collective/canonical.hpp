#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "protocols/collective/algorithm.hpp"
#include "protocols/collective/schedule.hpp"

namespace troupe::collective {

// Canonical sums: V contributions, the leaves, are added along one tree that
// depends on V alone, so that the bits do not depend on ranks, on who holds
// which leaf, on the algorithm or the wire.
//
//                [0, 6)
//            [0, 4)    [4, 6)       a node splits at its begin plus the
//         [0,2) [2,4)   4   5       largest power of two below its size
//         0  1   2  3
//
// A rank adds only what the tree adds: it sends the sums of the largest
// subtrees of which it holds all leaves. The owner of a range adds those of all
// ranks along the tree. If each rank holds leaves that lie together, as many of
// them, a power of two, it has one such sum, and the bytes are those of any
// reduce_scatter. Else they are `bytes_factor` as many.

/// Where a node of two leaves or more splits.
std::uint32_t cut_of(node x) noexcept;

/// The largest subtrees of which `rank` holds all leaves, from left to right.
/// `holders[v]` is the rank that holds leaf v.
std::vector<node> partials_of(
    std::span<const std::uint32_t> holders, std::uint32_t rank);

/// Leaves in `ranks` parts that lie together and differ by one at most.
std::vector<std::uint32_t> side_by_side(
    std::uint32_t leaves, std::uint32_t ranks);

/// What reduce_scatter moves, to what it would move of one partial sum a rank.
double bytes_factor(
    std::span<const std::uint32_t> holders, std::uint32_t ranks);

/// all_reduce or reduce_scatter of `task` as a canonical sum: every rank sends
/// its partial sums of a range to its owner, who adds; the results then go
/// around by the task's algorithm, which moves and adds nothing; by pieces,
/// if the task has any. Each rank's
/// partial sums lie beside its block, which holds nothing before.
schedule canonical_schedule(
    const task& what, std::span<const std::uint32_t> holders);
/// The same where each rank owns a part of any size, one behind the other; of
/// the task its kind, its way and its pieces count.
schedule canonical_schedule(const task& what,
    std::span<const std::uint32_t> holders, std::span<const range> parts);

/// Whether a plain schedule of sums adds the blocks of its ranks along the tree
/// over the ranks by itself.
bool adds_along_tree(const task& what);

} // namespace troupe::collective
