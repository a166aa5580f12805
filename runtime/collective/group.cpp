#include "runtime/collective/group.hpp"

#include "runtime/collective/carry_on.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace troupe::collective {
namespace {

using kind_of = operation_kind;
using gpu::const_typed_span;
using gpu::typed_span;

constexpr std::size_t most_ways = 64;
constexpr std::size_t piece = std::size_t{512} << 10;
constexpr std::size_t most_pieces = 32;

std::size_t bytes_of(const_typed_span x) {
  return x.count * gpu::bytes_of(x.type);
}

std::byte* bytes_at(typed_span x, std::size_t element = 0) {
  return static_cast<std::byte*>(x.data) + element * gpu::bytes_of(x.type);
}
const std::byte* bytes_at(const_typed_span x, std::size_t element = 0) {
  return static_cast<const std::byte*>(x.data) +
         element * gpu::bytes_of(x.type);
}

void copy(const void* from, void* to, std::size_t bytes) {
  if (from != to && bytes > 0)
    std::memmove(to, from, bytes);
}

void require(bool right, const char* what) {
  if (!right)
    throw std::invalid_argument{what};
}

void along(std::vector<std::int32_t>& order, node x) {
  if (x.end - x.begin == 1) {
    order.push_back(static_cast<std::int32_t>(x.begin));
    return;
  }
  along(order, {x.begin, cut_of(x)});
  along(order, {cut_of(x), x.end});
  order.push_back(gpu::plus);
}

} // namespace

std::vector<std::int32_t> order_over(std::uint32_t ranks) {
  std::vector<std::int32_t> order;
  along(order, {0, ranks});
  return order;
}

group::group(std::unique_ptr<wire> over, std::chrono::milliseconds silence)
    : wire_(std::move(over)), silence_(silence), order_(order_over(ranks())) {}

std::byte* group::scratch(std::size_t bytes) {
  if (bytes > scratch_size_) {
    scratch_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
    scratch_size_ = bytes;
  }
  return scratch_.get();
}

// What suits: few rounds for what is short, every link at work for what is
// long.
task group::planned(operation_kind kind, way by, std::size_t count,
    std::size_t bytes, std::uint32_t root) const {
  const auto n = ranks();
  const bool is_short = bytes <= (std::size_t{64} << 10);
  auto how = algorithm::direct;
  if (kind == kind_of::reduce || kind == kind_of::broadcast)
    how =
        is_short || n < 3 ? algorithm::binomial_tree : algorithm::chunked_ring;
  else if (kind == kind_of::barrier ||
           (kind == kind_of::all_reduce && is_short))
    how = algorithm::doubling;
  task x{kind, by.value_or(how), n, count, root, 1};
  require(defined(kind, x.how), "that operation is not defined by that way");
  require(root < n, "the root is no rank of this group");
  if (x.how == algorithm::direct || x.how == algorithm::chunked_ring ||
      x.how == algorithm::double_tree)
    x.pieces = std::clamp<std::size_t>(bytes / piece, 1, most_pieces);
  return x;
}

const itinerary& group::way_of(const task& x) {
  const auto found = ways_.find(x);
  if (found != ways_.end())
    return found->second;
  if (ways_.size() == most_ways)
    ways_.clear();
  return ways_.emplace(x, itinerary_of(schedule_of(x), rank())).first->second;
}

call group::next(const task& x, gpu::element type, gpu::reduction how) {
  if (ended_)
    throw *ended_;
  call result;
  result.kind = x.kind;
  result.type = type;
  result.how = how;
  result.by = x.how;
  result.number = number_++;
  result.count = x.count;
  result.root = x.root;
  digest_ = result.digest_after(digest_);
  result.digest = digest_;
  return result;
}

void group::end(const call& what, const loss& why, bool own) {
  if (own)
    wire_->tell(why);
  const auto text = why.rank == rank()
                        ? why.why
                        : fmt::format("rank {} is lost to rank {}: {}; in {}",
                              why.rank, rank(), why.why, to_string(what));
  ended_.emplace(why.rank, what.number, text);
  throw *ended_;
}

void group::walk(const itinerary& along_it, const call& what, workplace where) {
  passage through{along_it, *wire_, what, std::move(where), room_, bare_};
  carry_on(
      what, [&](std::uint32_t& idle, std::vector<wanted>& wants, bool asks) {
        idle = through.advance() ? 0 : idle + 1;
        if (through.conflict()) {
          wire_->tell(*through.conflict());
          ended_.emplace(
              through.conflict()->rank, what.number, through.conflict()->why);
          throw *ended_;
        }
        if (asks && idle > 0)
          wants = through.wants();
        return through.done();
      });
}

void group::pass(
    const task& x, gpu::element type, gpu::reduction how, workplace where) {
  const auto what = next(x, type, how);
  walk(way_of(x), what, std::move(where));
}

void group::all_reduce(
    const_typed_span from, typed_span to, gpu::reduction how, way by) {
  require(from.count == to.count && from.type == to.type,
      "all_reduce gives as much as it takes, of one type");
  const auto x = planned(kind_of::all_reduce, by, to.count, bytes_of(to));
  const auto what = next(x, to.type, how);
  const bool summed = (!by || *by == algorithm::direct) && ranks() > 1 &&
                      at_table(from, to, how, what);
  if (!summed) {
    copy(from.data, to.data, bytes_of(to));
    walk(way_of(x), what, {bytes_at(to), nullptr, {}});
  }
  if (how == gpu::reduction::average)
    gpu::divide(to.type, to.data, to.count, ranks());
}

void group::reduce(const_typed_span from, typed_span to, std::uint32_t root,
    gpu::reduction how, way by) {
  const auto x = planned(kind_of::reduce, by, from.count, bytes_of(from), root);
  const bool mine = rank() == root;
  require(!mine || (to.count == from.count && to.type == from.type),
      "the root of a reduce gets as much as it gives, of one type");
  auto* block = mine ? bytes_at(to) : scratch(bytes_of(from));
  copy(from.data, block, bytes_of(from));
  pass(x, from.type, how, {block, nullptr, {}});
  if (mine && how == gpu::reduction::average)
    gpu::divide(to.type, to.data, to.count, ranks());
}

void group::broadcast(
    const_typed_span from, typed_span to, std::uint32_t root, way by) {
  const bool mine = rank() == root;
  const auto what = mine ? from : const_typed_span{to};
  const auto x =
      planned(kind_of::broadcast, by, what.count, bytes_of(what), root);
  require(!mine || to.data == nullptr || bytes_of(to) == bytes_of(from),
      "a broadcast gives as much as the root has");
  workplace where{bytes_at(to), nullptr, {}};
  if (mine)
    where.given = bytes_at(from);
  pass(x, what.type, gpu::reduction::sum, std::move(where));
  if (mine && to.data)
    copy(from.data, to.data, bytes_of(from));
}

void group::all_gather(const_typed_span from, typed_span to, way by) {
  require(to.count == from.count * ranks() && to.type == from.type,
      "all_gather gives a part from each rank");
  const auto x = planned(kind_of::all_gather, by, from.count, bytes_of(from));
  copy(from.data, bytes_at(to, rank() * from.count), bytes_of(from));
  pass(x, to.type, gpu::reduction::sum, {bytes_at(to), nullptr, {}});
}

void group::reduce_scatter(
    const_typed_span from, typed_span to, gpu::reduction how, way by) {
  require(from.count == to.count * ranks() && to.type == from.type,
      "reduce_scatter takes a part for each rank");
  const auto x = planned(kind_of::reduce_scatter, by, to.count, bytes_of(to));
  auto* block = scratch(bytes_of(from));
  copy(from.data, block, bytes_of(from));
  pass(x, to.type, how, {block, nullptr, {}});
  copy(block + rank() * bytes_of(to), to.data, bytes_of(to));
  if (how == gpu::reduction::average)
    gpu::divide(to.type, to.data, to.count, ranks());
}

void group::all_to_all(const_typed_span from, typed_span to, way by) {
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
  pass(x, to.type, gpu::reduction::sum, {bytes_at(to), given, {}});
}

void group::gather(
    const_typed_span from, typed_span to, std::uint32_t root, way by) {
  const auto x = planned(kind_of::gather, by, from.count, bytes_of(from), root);
  const bool mine = rank() == root;
  require(!mine || (to.count == from.count * ranks() && to.type == from.type),
      "the root of a gather gets a part from each rank");
  auto* block = mine ? bytes_at(to) : scratch(bytes_of(from) * ranks());
  copy(from.data, block + rank() * bytes_of(from), bytes_of(from));
  pass(x, from.type, gpu::reduction::sum, {block, nullptr, {}});
}

void group::scatter(
    const_typed_span from, typed_span to, std::uint32_t root, way by) {
  const auto x = planned(kind_of::scatter, by, to.count, bytes_of(to), root);
  const bool mine = rank() == root;
  require(!mine || (from.count == to.count * ranks() && to.type == from.type),
      "the root of a scatter gives a part to each rank");
  auto* block = mine ? nullptr : scratch(bytes_of(to) * ranks());
  pass(x, to.type, gpu::reduction::sum,
      {block, mine ? bytes_at(from) : nullptr, {}});
  copy((mine ? bytes_at(from) : block) + rank() * bytes_of(to), to.data,
      bytes_of(to));
}

void group::barrier(way by) {
  pass(planned(kind_of::barrier, by, 0, 0), gpu::element::f32,
      gpu::reduction::sum, {});
}

// Of two ranks alone, so it has no number and the others do not hear of it.
void group::transfer(typed_span what, std::uint32_t from, std::uint32_t to) {
  if (ended_)
    throw *ended_;
  require(from < ranks() && to < ranks() && from != to,
      "a transfer is between two ranks of the group");
  call asked;
  asked.kind = kind_of::transfer;
  asked.type = what.type;
  asked.count = what.count;
  asked.root = from;
  asked.peer = to;
  auto moved = blank(ranks(), what.count);
  collective::move(moved, 0, from, to, {0, what.count}, verb::copy);
  walk(itinerary_of(moved, rank()), asked, {bytes_at(what), nullptr, {}});
}

void group::send(const_typed_span from, std::uint32_t to) {
  // Only read: there is no step that receives.
  transfer({const_cast<void*>(from.data), from.count, from.type}, rank(), to);
}

void group::receive(typed_span to, std::uint32_t from) {
  transfer(to, from, rank());
}

void group::canonical_all_reduce(const canonical_terms& partials,
    std::span<const std::uint32_t> holders, typed_span to, way by) {
  auto x = planned(kind_of::all_reduce, by.value_or(algorithm::direct),
      to.count, bytes_of(to));
  // What waits to be added fits into its room.
  x.pieces = std::max<std::size_t>(1,
      (bytes_of(to) / ranks() + waiting_room::size - 1) / waiting_room::size);
  workplace where{bytes_at(to), nullptr, {}};
  for (const auto& each : partials_of(holders, rank())) {
    const auto found = partials.find(each);
    require(found != partials.end() && found->second.count == to.count &&
                found->second.type == to.type,
        "a canonical sum needs the partial sums that the holders imply");
    where.beside.emplace(each, bytes_at(found->second));
  }
  auto what = next(x, to.type, gpu::reduction::sum);
  for (auto each : holders) // they, too, have to be the same everywhere
    digest_ = digest_ * 31 + each + 1;
  what.digest = digest_;
  walk(itinerary_of(canonical_schedule(x, holders), rank()), what,
      std::move(where));
}

} // namespace troupe::collective
