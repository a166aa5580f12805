#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "protocols/collective/schedule.hpp"

// The sums from which every other schedule is made: a gathering is a sum's way
// backwards, an all_reduce both one after the other.
namespace troupe::collective::ways {

/// Everyone's part of a range goes to whom it belongs.
schedule direct_scatter(std::span<const range> parts, std::size_t extent);
schedule ring_scatter(std::span<const range> parts, std::size_t extent);
/// Ranks are numbers whose lowest digit has base `bases[0]`; those that differ
/// in one digit only share what they have, the lowest digit first.
schedule cube_scatter(std::span<const range> parts, std::size_t extent,
    std::span<const std::uint32_t> bases);
/// Among the largest power of two of ranks; the others' parts are folded.
schedule halving_scatter(std::span<const range> parts, std::size_t extent);

/// Where each rank's part lies if what ranks of a cube share is to lie
/// together.
std::vector<range> cube_parts(
    std::size_t extent, std::span<const std::uint32_t> bases);
std::vector<range> halving_parts(std::size_t extent, std::uint32_t ranks);

/// Whole blocks with partners 1, 2, 4... away, among a power of two of ranks.
schedule doubling(std::uint32_t ranks, std::size_t extent);

/// Sums of a range that end at the root.
schedule direct_reduce(std::uint32_t ranks, std::uint32_t root, range part);
schedule chain_reduce(std::uint32_t ranks, std::uint32_t root, range part);
schedule binomial_reduce(std::uint32_t ranks, std::uint32_t root, range part);
/// Its first half by one tree, the second one by the other.
schedule double_tree_reduce(
    std::uint32_t ranks, std::uint32_t root, range part);

schedule direct_gather(std::span<const range> parts, std::uint32_t root);
schedule binomial_gather(std::span<const range> parts, std::uint32_t root);

/// From block to block, each rank's part for the others.
schedule direct_exchange(std::uint32_t ranks, std::size_t count);

std::uint32_t floor_of_log2(std::uint32_t x) noexcept;
/// The ways that groups of at most four divide so many ranks.
std::vector<std::uint32_t> bases_of(std::uint32_t ranks);

} // namespace troupe::collective::ways
