#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gpu/random.hpp"
#include "gpu/training/dataset.hpp"
#include "runtime/data/partition.hpp"

namespace troupe::data {

// What the partitions are made with. Positions are those in a view, which may
// show part of a set.

using indices = std::vector<std::uint32_t>;

/// Throws `std::invalid_argument` unless there are `each` samples a client.
void check_division(
    const training::view& samples, std::size_t clients, std::size_t each = 1);
/// Throws `std::invalid_argument` unless it is above 0, and finite.
void check_alpha(double alpha);

gpu::random_stream partition_stream(std::uint64_t seed);

/// All of them, in order.
indices positions(const training::view& samples);
/// Those of each label, at random.
std::vector<indices> positions_by_label(
    const training::view& samples, gpu::random_stream& random);

/// Border `i` of `parts` parts of `whole`, as equal as can be.
std::size_t border(std::size_t i, std::size_t parts, std::size_t whole);
std::vector<std::size_t> equal_sizes(std::size_t parts, std::size_t whole);
/// Adds up to `whole` by itself; some share is above 0.
std::vector<std::size_t> sizes_in_proportion(
    std::vector<double> shares, std::size_t whole);

/// Cuts positions in `samples` into consecutive parts of the given sizes.
partition cut(const training::view& samples, indices order,
    const std::vector<std::size_t>& sizes);

} // namespace troupe::data
