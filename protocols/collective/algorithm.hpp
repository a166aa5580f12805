#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocols/collective/operation.hpp"
#include "protocols/collective/schedule.hpp"

namespace troupe::collective {

/// Ways to do an operation in steps. E is a block's elements, n the ranks.
///
///     direct            everyone with everyone at once: least rounds
///     ring              each with its neighbours only, n - 1 rounds
///     chunked_ring      the same by pieces that follow each other
///     binomial_tree     halves of the ranks at a time: for small blocks
///     double_tree       two trees, each for half of the block, each rank an
///                       inner one in one of them (Sanders et al. 2009)
///     doubling          whole blocks between partners 1, 2, 4... apart
///     halving_doubling  halves of the block between them (Rabenseifner 2004)
///     bcube             groups of up to four instead of pairs (as in gloo)
///
/// Doubling and halving take any n: of the first ranks as many as are too many
/// for a power of two hand their part to a neighbour before, and get the result
/// from it behind.
enum class algorithm : std::uint8_t {
  direct,
  ring,
  chunked_ring,
  binomial_tree,
  double_tree,
  doubling,
  halving_doubling,
  bcube,
};
inline constexpr std::uint8_t algorithms = 8;
const char* to_string(algorithm how) noexcept;
std::optional<algorithm> algorithm_named(std::string_view name) noexcept;
std::optional<operation_kind> operation_named(std::string_view name) noexcept;

/// Whether an operation can be done in that way; a transfer needs none.
bool defined(operation_kind kind, algorithm how) noexcept;

/// What a schedule is asked for.
struct task {
  operation_kind kind = operation_kind::all_reduce;
  algorithm how = algorithm::direct;
  std::uint32_t ranks = 1;
  /// Elements of one rank's part, as a `signature` has them.
  std::size_t count = 0;
  std::uint32_t root = 0;
  /// Into how many pieces blocks are cut where pieces may follow each other:
  /// direct, chunked_ring and double_tree.
  std::size_t pieces = 1;

  friend auto operator<=>(const task&, const task&) = default;
};

/// Elements of the block that a task's schedule moves: `count`, or as many for
/// each rank, of which those of rank r are [r * count, (r + 1) * count).
std::size_t extent_of(const task& x) noexcept;

/// Throws `std::invalid_argument` for what is not defined, and for a root that
/// is no rank.
schedule schedule_of(const task& x);

/// Ranks whose parts are of any sizes, empty ones too, one behind the other:
/// a sum of their blocks of which each gets its part, and each one's part for
/// all. By direct, ring, chunked_ring, halving_doubling and bcube; in pieces
/// where a task has them.
schedule scattered(algorithm how, std::span<const range> parts,
    std::size_t extent, std::size_t pieces = 1);
schedule gathered(algorithm how, std::span<const range> parts,
    std::size_t extent, std::size_t pieces = 1);

} // namespace troupe::collective
