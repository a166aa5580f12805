// Sums in a hall: every rank shows a card, and reads those of the others.
//
//     few bytes     they lie on the card itself, in one cache line
//     some          in a slot beside it; every rank adds all of them
//     many, seen    each rank adds its part of all blocks, into all of them
//     many, not     by channels, as on any wire
#include "runtime/collective/channel_group.hpp"

#include "runtime/collective/carry_on.hpp"
#include "runtime/collective/hall.hpp"
#include "runtime/collective/reading.hpp"
#include "runtime/collective/spans.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace troupe::collective {
namespace {

constexpr std::uint64_t nowhere = ~std::uint64_t{0};
constexpr std::uint64_t brought = nowhere - 1;

} // namespace

// Where a block lies: of a process its address, else its number and offset
// among those that the group gave out.
std::uint64_t channel_group::place_of(
    const void* data, std::size_t bytes) const {
  if (wire_->shared()->within_process())
    return reinterpret_cast<std::uintptr_t>(data);
  const auto* begin = static_cast<const std::byte*>(data);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const auto& own = blocks_[i].memory[rank()];
    if (begin >= own.at() && begin + bytes <= own.at() + own.size())
      return (std::uint64_t{i} << 48) |
             static_cast<std::uint64_t>(begin - own.at());
  }
  return nowhere;
}

std::byte* channel_group::place_at(
    std::uint64_t place, std::uint32_t rank) const {
  if (wire_->shared()->within_process())
    return reinterpret_cast<std::byte*>(place);
  return blocks_[place >> 48].memory[rank].at() +
         (place & ((std::uint64_t{1} << 48) - 1));
}

void channel_group::gather_cards(
    const call& what, std::uint64_t at, std::span<const std::byte> brings) {
  auto& place = *wire_->shared();
  const auto turn = ++turn_;
  auto& mine = place.of(rank());
  auto& card = mine.cards[turn & 1];
  mine.calls[turn & 1] = what;
  card.asks = what.digest;
  card.at = at;
  std::copy(brings.begin(), brings.end(), card.brings);
  card.number.store(turn, std::memory_order_release);
  for (std::uint32_t r = 0; r < ranks(); ++r)
    if (r != rank())
      place.of(r).wakes.ring();
  std::uint32_t peer = 0;
  carry_on(what, [&](std::uint32_t& idle, std::vector<wanted>& wants,
                     bool asks) {
    for (; peer < ranks(); ++peer, idle = 0) {
      auto& their = place.of(peer);
      if (their.cards[turn & 1].number.load(std::memory_order_acquire) != turn)
        break;
      if (their.cards[turn & 1].asks != what.digest)
        contradict(what,
            {peer, disagreement(rank(), what, peer, their.calls[turn & 1]),
                false});
    }
    if (peer == ranks())
      return true;
    ++idle;
    if (asks)
      wants.assign(1, {peer, false, true});
    return false;
  });
}

// As many as by the schedule, whoever reads what where it lies.
void channel_group::count_at_table(const task& x, gpu::element type) {
  if (last_at_table_ != x) {
    elements_at_table_ = 0;
    for (const auto& each : way_of({x, {}, {}}).stops)
      if (each.what.what == verb::send)
        elements_at_table_ += each.what.part.size();
    last_at_table_ = x;
  }
  sent_ += elements_at_table_ * gpu::bytes_of(type);
}

// A rank of another process may have died while it read; its memory is not
// given back.
void channel_group::let_go() noexcept {
  auto* place = wire_->shared();
  if (!place || !place->within_process())
    return;
  place->of(rank()).let_go.store(1);
  for (std::uint32_t r = 0; r < ranks(); ++r)
    while (r != rank() && place->of(r).adding.load() != 0)
      breathe();
}

// False: it has to go by channels.
bool channel_group::at_table(
    gpu::const_typed_span from, gpu::typed_span to, const call& what) {
  auto* place = wire_->shared();
  if (!place)
    return false;
  const auto bytes = to.count * gpu::bytes_of(to.type);
  const auto parity = (turn_ + 1) & 1;
  const auto* given = static_cast<const std::byte*>(from.data);
  std::array<const void*, hall::most_ranks> terms{};
  if (bytes <= sizeof(hall::card::brings)) {
    gather_cards(what, brought, {given, bytes});
    for (std::uint32_t r = 0; r < ranks(); ++r)
      terms[r] = place->of(r).cards[parity].brings;
    add_together(what, from, to, std::span{terms}.first(ranks()));
    return true;
  }
  if (bytes <= hall::slot_bytes) {
    std::memcpy(place->of(rank()).slot[parity], given, bytes);
    gather_cards(what, brought, {});
    for (std::uint32_t r = 0; r < ranks(); ++r)
      terms[r] = place->of(r).slot[parity];
    add_together(what, from, to, std::span{terms}.first(ranks()));
    return true;
  }
  const auto here = place_of(to.data, bytes);
  if (here != nowhere && from.data != to.data)
    std::memcpy(to.data, from.data, bytes);
  gather_cards(what, here, {});
  for (std::uint32_t r = 0; r < ranks(); ++r)
    if (place->of(r).cards[parity].at == nowhere)
      return false;
  add_in_place(what, to);
  return true;
}

void channel_group::add_together(const call& what, gpu::const_typed_span,
    gpu::typed_span to, std::span<const void* const> terms) {
  void* target = to.data;
  gpu::combine_in_order(
      what.how, what.type, terms, order_, std::span{&target, 1}, to.count);
}

void channel_group::add_in_place(const call& what, gpu::typed_span to) {
  auto& place = *wire_->shared();
  const auto parity = turn_ & 1;
  const auto part = divided(to.count, ranks())[rank()];
  const auto offset = part.begin * gpu::bytes_of(to.type);
  std::array<const void*, hall::most_ranks> terms{};
  std::array<void*, hall::most_ranks> targets{};
  for (std::uint32_t r = 0; r < ranks(); ++r) {
    targets[r] = (r == rank() ? bytes_at(to)
                              : place_at(place.of(r).cards[parity].at, r)) +
                 offset;
    terms[r] = targets[r];
  }
  if (const reading others{*this, what}; !part.empty())
    gpu::combine_in_order(what.how, what.type, std::span{terms}.first(ranks()),
        order_, std::span{targets}.first(ranks()), part.size());
  if (!bare_)
    gather_cards(what, nowhere, {});
}

// Every rank takes its part of the file, at a place that all know.
void channel_group::share_block(std::vector<mapping>& of, std::size_t size) {
  auto& place = *wire_->shared();
  const auto first = place.next_blocks(size);
  place.file().reserve(first + rank() * size, size);
  std::vector<std::int64_t> sizes(ranks());
  const auto own = static_cast<std::int64_t>(size);
  const auto sent = sent_;
  all_gather(std::span<const std::int64_t>{&own, 1}, std::span{sizes});
  sent_ = sent;
  for (std::uint32_t r = 0; r < ranks(); ++r) {
    require(sizes[r] == own, "all ranks of a group allocate as much");
    of[r] = place.file().map(first + r * size, size);
  }
}

std::span<std::byte> channel_group::allocate(std::size_t bytes) {
  constexpr std::size_t page = std::size_t{2} << 20;
  const auto size = std::max(page, (bytes + page - 1) / page * page);
  blocks made;
  made.memory.resize(ranks());
  auto* place = wire_->shared();
  if (!place || place->within_process())
    made.memory[rank()] = mapping::of_own(size);
  else
    share_block(made.memory, size);
  blocks_.push_back(std::move(made));
  return {blocks_.back().memory[rank()].at(), bytes};
}

} // namespace troupe::collective
