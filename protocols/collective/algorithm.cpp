#include "protocols/collective/algorithm.hpp"

#include "protocols/collective/ways.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace troupe::collective {
namespace {

constexpr std::array<std::string_view, algorithms> names{"direct", "ring",
    "chunked_ring", "binomial_tree", "double_tree", "doubling",
    "halving_doubling", "bcube"};

using enum operation_kind;

// By operation_kind: which algorithms it has, in the order of `algorithm`.
constexpr std::array<std::array<bool, algorithms>, operation_kinds> table{{
    {true, true, true, true, true, true, true, true},         // all_reduce
    {true, true, true, true, true, false, false, false},      // reduce
    {true, true, true, true, true, false, false, false},      // broadcast
    {true, true, true, false, false, false, true, true},      // all_gather
    {true, true, true, false, false, false, true, true},      // reduce_scatter
    {true, false, false, false, false, false, false, false},  // all_to_all
    {true, false, false, true, false, false, false, false},   // gather
    {true, false, false, true, false, false, false, false},   // scatter
    {false, false, false, false, false, false, false, false}, // transfer
    {true, false, false, true, false, true, false, false},    // barrier
}};

std::string name(operation_kind kind) {
  return to_string(kind);
}

bool has_root(operation_kind kind) {
  return kind == reduce || kind == broadcast || kind == gather ||
         kind == scatter;
}

bool in_pieces(algorithm how) {
  return how == algorithm::direct || how == algorithm::chunked_ring ||
         how == algorithm::double_tree;
}

void require(const task& x) {
  if (x.ranks == 0)
    throw std::invalid_argument{"a schedule is for one rank at least"};
  if (!defined(x.kind, x.how))
    throw std::invalid_argument{
        name(x.kind) + " is not defined by " + to_string(x.how)};
  if (has_root(x.kind) && x.root >= x.ranks)
    throw std::invalid_argument{name(x.kind) + ": the root, rank " +
                                std::to_string(x.root) + ", is none of " +
                                std::to_string(x.ranks)};
}

// Piece `piece` of each part.
std::vector<range> pieces_of(
    std::span<const range> parts, std::size_t piece, std::size_t pieces) {
  std::vector<range> result;
  for (const auto& each : parts) {
    const auto cut = divided(each.size(), pieces)[piece];
    result.push_back({each.begin + cut.begin, each.begin + cut.end});
  }
  return result;
}

// Pieces follow each other, a round apart.
template <class Make>
schedule in_a_row(algorithm how, std::size_t wanted, Make&& make) {
  const auto pieces = in_pieces(how) && wanted > 1 ? wanted : 1;
  schedule result = make(0, pieces);
  for (std::size_t i = 1; i < pieces; ++i) {
    const auto one = make(i, pieces);
    result = beside(std::move(result), one, static_cast<std::uint32_t>(i));
    result.extent = std::max(result.extent, one.extent);
  }
  return result;
}

schedule scattered_piece(
    algorithm how, std::span<const range> parts, std::size_t extent) {
  switch (how) {
  case algorithm::direct:
    return ways::direct_scatter(parts, extent);
  case algorithm::ring:
  case algorithm::chunked_ring:
    return ways::ring_scatter(parts, extent);
  case algorithm::halving_doubling:
    return ways::halving_scatter(parts, extent);
  case algorithm::bcube:
    return ways::cube_scatter(parts, extent,
        ways::bases_of(static_cast<std::uint32_t>(parts.size())));
  default:
    throw std::invalid_argument{
        std::string{"parts are not gathered by "} + to_string(how)};
  }
}

// Each rank's part of the block, laid out as the task says or as suits.
std::vector<range> parts_for(const task& x) {
  if (x.kind == all_reduce) {
    if (x.how == algorithm::halving_doubling)
      return ways::halving_parts(x.count, x.ranks);
    if (x.how == algorithm::bcube)
      return ways::cube_parts(x.count, ways::bases_of(x.ranks));
    return divided(x.count, x.ranks);
  }
  std::vector<range> result;
  for (std::size_t r = 0; r < x.ranks; ++r)
    result.push_back({r * x.count, (r + 1) * x.count});
  return result;
}

schedule reduced(const task& x, std::uint32_t root, range part) {
  switch (x.how) {
  case algorithm::direct:
    return ways::direct_reduce(x.ranks, root, part);
  case algorithm::binomial_tree:
    return ways::binomial_reduce(x.ranks, root, part);
  case algorithm::double_tree:
    return ways::double_tree_reduce(x.ranks, root, part);
  default:
    return ways::chain_reduce(x.ranks, root, part);
  }
}

schedule all_reduced(const task& x) {
  if (x.how == algorithm::doubling)
    return ways::doubling(x.ranks, x.count);
  const bool tree =
      x.how == algorithm::binomial_tree || x.how == algorithm::double_tree;
  const auto parts = parts_for(x);
  return in_a_row(x.how, x.pieces, [&](std::size_t i, std::size_t pieces) {
    const auto sum =
        tree ? reduced(x, 0, divided(x.count, pieces)[i])
             : scattered_piece(x.how, pieces_of(parts, i, pieces), x.count);
    return then(sum, reversed(sum));
  });
}

// Each rank has heard of every other one when it is through.
schedule barrier_of(const task& x) {
  auto signs = x;
  signs.kind = all_reduce;
  signs.count = 1;
  signs.pieces = 1;
  if (x.how == algorithm::direct)
    signs.kind = reduce_scatter;
  return emptied(schedule_of(signs));
}

} // namespace

const char* to_string(algorithm how) noexcept {
  const auto i = static_cast<std::size_t>(how);
  return i < names.size() ? names[i].data() : "invalid";
}

std::optional<algorithm> algorithm_named(std::string_view name) noexcept {
  for (std::uint8_t i = 0; i < algorithms; ++i)
    if (names[i] == name)
      return static_cast<algorithm>(i);
  return std::nullopt;
}

std::optional<operation_kind> operation_named(std::string_view name) noexcept {
  for (std::uint8_t i = 0; i < operation_kinds; ++i)
    if (to_string(static_cast<operation_kind>(i)) == name)
      return static_cast<operation_kind>(i);
  return std::nullopt;
}

bool defined(operation_kind kind, algorithm how) noexcept {
  const auto row = static_cast<std::size_t>(kind);
  const auto column = static_cast<std::size_t>(how);
  return row < operation_kinds && column < algorithms && table[row][column];
}

std::size_t extent_of(const task& x) noexcept {
  switch (x.kind) {
  case all_reduce:
  case reduce:
  case broadcast:
  case transfer:
    return x.count;
  case barrier:
    return 0;
  default:
    return x.count * x.ranks;
  }
}

schedule schedule_of(const task& x) {
  require(x);
  const auto parts = parts_for(x);
  const auto by_pieces = [&](auto&& make) {
    return in_a_row(x.how, x.pieces, make);
  };
  const auto reduce_piece = [&](std::size_t i, std::size_t pieces) {
    return reduced(x, x.root, divided(x.count, pieces)[i]);
  };
  switch (x.kind) {
  case all_reduce:
    return all_reduced(x);
  case reduce:
    return by_pieces(reduce_piece);
  case broadcast:
    return by_pieces([&](std::size_t i, std::size_t pieces) {
      return reversed(reduce_piece(i, pieces));
    });
  case reduce_scatter:
    return scattered(x.how, parts, extent_of(x), x.pieces);
  case all_gather:
    return gathered(x.how, parts, extent_of(x), x.pieces);
  case all_to_all:
    return ways::direct_exchange(x.ranks, x.count);
  case gather:
  case scatter: {
    const auto way = x.how == algorithm::direct
                         ? ways::direct_gather(parts, x.root)
                         : ways::binomial_gather(parts, x.root);
    return x.kind == gather ? way : reversed(way);
  }
  case barrier:
    return barrier_of(x);
  default:
    return blank(x.ranks, 0);
  }
}

schedule scattered(algorithm how, std::span<const range> parts,
    std::size_t extent, std::size_t pieces) {
  return in_a_row(how, pieces, [&](std::size_t i, std::size_t all) {
    return scattered_piece(how, pieces_of(parts, i, all), extent);
  });
}

schedule gathered(algorithm how, std::span<const range> parts,
    std::size_t extent, std::size_t pieces) {
  return in_a_row(how, pieces, [&](std::size_t i, std::size_t all) {
    return reversed(scattered_piece(how, pieces_of(parts, i, all), extent));
  });
}

} // namespace troupe::collective
