// Operations on a block that is cut into parts of the ranks' own, and sums
// along a tree.
#include "runtime/collective/channel_group.hpp"

#include "runtime/collective/spans.hpp"

#include <algorithm>

namespace troupe::collective {
namespace {

using kind_of = operation_kind;
using gpu::const_typed_span;
using gpu::typed_span;

std::size_t largest(std::span<const range> parts) {
  std::size_t result = 0;
  for (const auto& each : parts)
    result = std::max(result, each.size());
  return result;
}

// Where an empty part lies does not matter to anyone.
std::vector<range> in_a_row(
    std::span<const gpu::range> parts, std::uint32_t ranks) {
  require(parts.size() == ranks, "there is a part for each rank");
  std::vector<range> result;
  std::size_t begin = 0;
  for (const auto& each : parts) {
    require(each.size == 0 || each.first == begin,
        "parts lie one behind the other, in the order of the ranks");
    result.push_back({begin, begin + each.size});
    begin += each.size;
  }
  return result;
}

// What waits to be added fits into its room.
std::size_t pieces_for(std::size_t bytes) {
  return std::max<std::size_t>(
      1, (bytes + waiting_room::size - 1) / waiting_room::size);
}

} // namespace

channel_group::plan channel_group::parted(operation_kind kind, way by,
    std::span<const gpu::range> parts, gpu::element type) const {
  auto cut = in_a_row(parts, ranks());
  const auto bytes = largest(cut) * gpu::bytes_of(type);
  return {planned(kind, by, cut.back().end, bytes), std::move(cut), {}};
}

// A direct sum writes to a rank's own part alone; the others pass on sums of
// parts that are not theirs.
void channel_group::sum_own(const plan& x, range own, const_typed_span from,
    typed_span to, gpu::reduction how) {
  const auto* mine = bytes_at(from, own.begin);
  if (x.what.how == algorithm::direct) {
    copy(mine, to.data, bytes_of(to));
    pass(x, to.type, how, {bytes_at(to), own.begin, bytes_at(from), {}});
  } else {
    auto* block = scratch(bytes_of(from));
    copy(from.data, block, bytes_of(from));
    pass(x, to.type, how, {block, 0, nullptr, {}});
    copy(block + own.begin * gpu::bytes_of(to.type), to.data, bytes_of(to));
  }
  if (how == gpu::reduction::average)
    gpu::divide(to.type, to.data, to.count, ranks());
}

void channel_group::reduce_scatter(const_typed_span from,
    std::span<const gpu::range> parts, typed_span to, gpu::reduction how,
    way by) {
  const auto x = parted(kind_of::reduce_scatter, by, parts, from.type);
  const auto own = x.parts[rank()];
  require(x.parts.back().end == from.count && own.size() == to.count &&
              to.type == from.type,
      "reduce_scatter takes all parts and gives this rank's, of one type");
  sum_own(x, own, from, to, how);
}

void channel_group::all_gather(const_typed_span from,
    std::span<const gpu::range> parts, typed_span to, way by) {
  const auto x = parted(kind_of::all_gather, by, parts, from.type);
  const auto own = x.parts[rank()];
  require(x.parts.back().end == to.count && own.size() == from.count &&
              to.type == from.type,
      "all_gather takes this rank's part and gives all, of one type");
  copy(from.data, bytes_at(to, own.begin), bytes_of(from));
  pass(x, to.type, gpu::reduction::sum, {bytes_at(to), 0, nullptr, {}});
}

void channel_group::sum_partials(
    plan x, std::size_t first, const canonical_terms& partials, typed_span to) {
  x.what.pieces = pieces_for(largest(x.parts) * gpu::bytes_of(to.type));
  require(!x.holders.empty(), "a canonical sum has one leaf at least");
  workplace where{bytes_at(to), first, nullptr, {}};
  for (const auto& each : partials_of(x.holders, rank())) {
    const auto found = partials.find(each);
    require(found != partials.end() &&
                found->second.count == x.parts.back().end &&
                found->second.type == to.type,
        "a canonical sum needs the partial sums that the holders imply");
    where.beside.emplace(each, bytes_at(found->second));
  }
  const auto what = next(x.what, to.type, gpu::reduction::sum, x.shape());
  if (!sum_where_they_lie(x, what, partials, to))
    walk(way_of(x), what, std::move(where));
}

void channel_group::canonical_all_reduce(const canonical_terms& partials,
    std::span<const std::uint32_t> holders, typed_span to, way by) {
  const auto what = planned(kind_of::all_reduce, by.value_or(algorithm::direct),
      to.count, bytes_of(to));
  sum_partials(
      {what, divided(to.count, ranks()), {holders.begin(), holders.end()}}, 0,
      partials, to);
}

void channel_group::canonical_reduce_scatter(const canonical_terms& partials,
    std::span<const std::uint32_t> holders, std::span<const gpu::range> parts,
    typed_span to, way by) {
  auto x = parted(kind_of::reduce_scatter, by, parts, to.type);
  const auto own = x.parts[rank()];
  require(own.size() == to.count,
      "a canonical reduce_scatter gives this rank's part");
  x.holders.assign(holders.begin(), holders.end());
  sum_partials(std::move(x), own.begin, partials, to);
}

} // namespace troupe::collective
