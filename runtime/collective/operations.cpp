#include "runtime/collective/channel_group.hpp"

#include "runtime/collective/spans.hpp"

namespace troupe::collective {
namespace {

using kind_of = operation_kind;
using gpu::const_typed_span;
using gpu::typed_span;

workplace at(std::byte* block, const std::byte* given = nullptr) {
  return {block, 0, given, {}};
}

} // namespace

void channel_group::all_reduce(
    const_typed_span from, typed_span to, gpu::reduction how, way by) {
  require(from.count == to.count && from.type == to.type,
      "all_reduce gives as much as it takes, of one type");
  const auto x = planned(kind_of::all_reduce, by, to.count, bytes_of(to));
  const auto what = next(x, to.type, how);
  const bool summed = (!by || *by == algorithm::direct) && ranks() > 1 &&
                      at_table(from, to, what);
  if (summed) {
    count_at_table(x, to.type);
  } else {
    copy(from.data, to.data, bytes_of(to));
    walk(way_of({x, {}, {}}), what, at(bytes_at(to)));
  }
  if (how == gpu::reduction::average)
    gpu::divide(to.type, to.data, to.count, ranks());
}

void channel_group::reduce(const_typed_span from, typed_span to,
    std::uint32_t root, gpu::reduction how, way by) {
  const auto x = planned(kind_of::reduce, by, from.count, bytes_of(from), root);
  const bool mine = rank() == root;
  require(!mine || (to.count == from.count && to.type == from.type),
      "the root of a reduce gets as much as it gives, of one type");
  auto* block = mine ? bytes_at(to) : scratch(bytes_of(from));
  copy(from.data, block, bytes_of(from));
  pass({x, {}, {}}, from.type, how, at(block));
  if (mine && how == gpu::reduction::average)
    gpu::divide(to.type, to.data, to.count, ranks());
}

void channel_group::broadcast(
    const_typed_span from, typed_span to, std::uint32_t root, way by) {
  const bool mine = rank() == root;
  const auto what = mine ? from : const_typed_span{to};
  const auto x =
      planned(kind_of::broadcast, by, what.count, bytes_of(what), root);
  require(!mine || to.data == nullptr || bytes_of(to) == bytes_of(from),
      "a broadcast gives as much as the root has");
  auto where = at(bytes_at(to));
  if (mine)
    where.given = bytes_at(from);
  pass({x, {}, {}}, what.type, gpu::reduction::sum, std::move(where));
  if (mine && to.data)
    copy(from.data, to.data, bytes_of(from));
}

void channel_group::all_gather(const_typed_span from, typed_span to, way by) {
  require(to.count == from.count * ranks() && to.type == from.type,
      "all_gather gives a part from each rank");
  const auto x = planned(kind_of::all_gather, by, from.count, bytes_of(from));
  copy(from.data, bytes_at(to, rank() * from.count), bytes_of(from));
  pass({x, {}, {}}, to.type, gpu::reduction::sum, at(bytes_at(to)));
}

void channel_group::reduce_scatter(
    const_typed_span from, typed_span to, gpu::reduction how, way by) {
  require(from.count == to.count * ranks() && to.type == from.type,
      "reduce_scatter takes a part for each rank");
  const auto x = planned(kind_of::reduce_scatter, by, to.count, bytes_of(to));
  const auto first = rank() * to.count;
  sum_own({x, {}, {}}, {first, first + to.count}, from, to, how);
}

void channel_group::all_to_all(const_typed_span from, typed_span to, way by) {
  require(from.count == to.count && to.type == from.type &&
              from.count % ranks() == 0,
      "all_to_all takes a part for each rank and gives one from each");
  const auto count = from.count / ranks();
  const auto x =
      planned(kind_of::all_to_all, by, count, bytes_of(from) / ranks());
  const auto* given = bytes_at(from);
  if (from.data == to.data) {
    given = scratch(bytes_of(from));
    copy(from.data, scratch_.get(), bytes_of(from));
  }
  const auto own = bytes_of(from) / ranks() * rank();
  copy(given + own, bytes_at(to) + own, bytes_of(from) / ranks());
  pass({x, {}, {}}, to.type, gpu::reduction::sum, at(bytes_at(to), given));
}

void channel_group::gather(
    const_typed_span from, typed_span to, std::uint32_t root, way by) {
  const auto x = planned(kind_of::gather, by, from.count, bytes_of(from), root);
  const bool mine = rank() == root;
  require(!mine || (to.count == from.count * ranks() && to.type == from.type),
      "the root of a gather gets a part from each rank");
  auto* block = mine ? bytes_at(to) : scratch(bytes_of(from) * ranks());
  copy(from.data, block + rank() * bytes_of(from), bytes_of(from));
  pass({x, {}, {}}, from.type, gpu::reduction::sum, at(block));
}

void channel_group::scatter(
    const_typed_span from, typed_span to, std::uint32_t root, way by) {
  const auto x = planned(kind_of::scatter, by, to.count, bytes_of(to), root);
  const bool mine = rank() == root;
  require(!mine || (from.count == to.count * ranks() && to.type == from.type),
      "the root of a scatter gives a part to each rank");
  auto* block = mine ? nullptr : scratch(bytes_of(to) * ranks());
  pass({x, {}, {}}, to.type, gpu::reduction::sum,
      at(block, mine ? bytes_at(from) : nullptr));
  copy((mine ? bytes_at(from) : block) + rank() * bytes_of(to), to.data,
      bytes_of(to));
}

void channel_group::barrier(way by) {
  pass({planned(kind_of::barrier, by, 0, 0), {}, {}}, gpu::element::f32,
      gpu::reduction::sum, {});
}

} // namespace troupe::collective
