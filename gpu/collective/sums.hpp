#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gpu/collective/collective.hpp"

namespace troupe::gpu {

// What collectives on the host compute. Sums of one order have the same bits on
// every processor: each result is one rounded addition of two others.

/// to[i] = a[i] and b[i], combined; `average` adds. `to` may be `a` or `b`.
void combine(reduction how, element type, const void* a, const void* b,
    void* to, std::size_t count);

/// A sum of several terms in postfix: the number of a term, or `plus` for the
/// sum of the two before it. {0, 1, plus, 2, plus} is (0 + 1) + 2.
using sum_order = std::span<const std::int32_t>;
inline constexpr std::int32_t plus = -1;

/// to[k][i] = the terms [t][i], combined in that order, for every k. A target
/// may be one of the terms. At most 32 sums wait for their second operand.
void combine_in_order(reduction how, element type,
    std::span<const void* const> terms, sum_order order,
    std::span<void* const> to, std::size_t count);

/// What turns the sum of so many ranks into their `average`.
void divide(element type, void* data, std::size_t count, std::uint32_t by);

} // namespace troupe::gpu
