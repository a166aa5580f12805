#include "protocols/collective/canonical.hpp"

#include "protocols/collective/ways.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace troupe::collective {
namespace {

void collect(std::span<const std::uint32_t> holders, std::uint32_t rank, node x,
    std::vector<node>& into) {
  const auto leaves = holders.subspan(x.begin, x.end - x.begin);
  const auto own = std::count(leaves.begin(), leaves.end(), rank);
  if (own == 0)
    return;
  if (static_cast<std::size_t>(own) == leaves.size()) {
    into.push_back(x);
    return;
  }
  collect(holders, rank, {x.begin, cut_of(x)}, into);
  collect(holders, rank, {cut_of(x), x.end}, into);
}

// Each owner gets every partial sum of its range; its own need no wire.
schedule scattered_partials(std::span<const range> parts, std::size_t extent,
    std::span<const std::uint32_t> holders) {
  const auto n = static_cast<std::uint32_t>(parts.size());
  auto result = blank(n, extent);
  for (std::uint32_t apart = 0; apart < n; ++apart)
    for (std::uint32_t r = 0; r < n; ++r) {
      const auto owner = (r + apart) % n;
      for (const auto& each : partials_of(holders, r))
        if (apart > 0)
          move(result, 0, r, owner, parts[owner], verb::join, each);
        else if (!parts[r].empty())
          result.ranks[r].push_back({0, verb::join, r, parts[r], each});
    }
  return result;
}

} // namespace

std::uint32_t cut_of(node x) noexcept {
  return x.begin + std::bit_floor(x.end - x.begin - 1);
}

std::vector<node> partials_of(
    std::span<const std::uint32_t> holders, std::uint32_t rank) {
  std::vector<node> result;
  if (!holders.empty())
    collect(
        holders, rank, {0, static_cast<std::uint32_t>(holders.size())}, result);
  return result;
}

std::vector<std::uint32_t> side_by_side(
    std::uint32_t leaves, std::uint32_t ranks) {
  std::vector<std::uint32_t> result;
  for (std::uint64_t v = 0; v < leaves; ++v)
    result.push_back(static_cast<std::uint32_t>(v * ranks / leaves));
  return result;
}

double bytes_factor(
    std::span<const std::uint32_t> holders, std::uint32_t ranks) {
  std::size_t all = 0;
  for (std::uint32_t r = 0; r < ranks; ++r)
    all += partials_of(holders, r).size();
  return static_cast<double>(all) / ranks;
}

schedule canonical_schedule(
    const task& what, std::span<const std::uint32_t> holders) {
  if (what.kind == operation_kind::all_reduce)
    return canonical_schedule(what, holders, divided(what.count, what.ranks));
  std::vector<range> parts;
  for (std::size_t r = 0; r < what.ranks; ++r)
    parts.push_back({r * what.count, (r + 1) * what.count});
  return canonical_schedule(what, holders, parts);
}

schedule canonical_schedule(const task& what,
    std::span<const std::uint32_t> holders, std::span<const range> parts) {
  const bool all = what.kind == operation_kind::all_reduce;
  if (!all && what.kind != operation_kind::reduce_scatter)
    throw std::invalid_argument{
        "canonical sums are those of all_reduce and reduce_scatter"};
  const auto n = static_cast<std::uint32_t>(parts.size());
  if (std::any_of(holders.begin(), holders.end(),
          [&](std::uint32_t r) { return r >= n; }) ||
      holders.empty())
    throw std::invalid_argument{
        "each of the leaves of a canonical sum is held by one of the ranks"};
  const auto extent = parts.back().end;
  const auto pieces = std::max<std::size_t>(1, what.pieces);
  auto result = blank(n, extent);
  for (std::uint32_t i = 0; i < pieces; ++i) {
    std::vector<range> some;
    for (const auto& each : parts) {
      const auto cut = divided(each.size(), pieces)[i];
      some.push_back({each.begin + cut.begin, each.begin + cut.end});
    }
    auto piece = scattered_partials(some, extent, holders);
    if (all)
      piece = then(std::move(piece), gathered(what.how, some, extent));
    result = beside(std::move(result), piece, i);
  }
  return result;
}

bool adds_along_tree(const task& what) {
  const auto n = what.ranks;
  switch (what.how) {
  case algorithm::direct:
  case algorithm::binomial_tree:
    return true;
  case algorithm::doubling:
  case algorithm::halving_doubling: // pairs come first, single ranks behind
    return std::has_single_bit(2 * std::bit_floor(n) - n);
  case algorithm::bcube: {
    const auto bases = ways::bases_of(n);
    return std::count_if(bases.begin(), bases.end(), [](std::uint32_t base) {
      return !std::has_single_bit(base);
    }) <= (bases.empty() || std::has_single_bit(bases.back()) ? 0 : 1);
  }
  default:
    return n < 3;
  }
}

} // namespace troupe::collective
