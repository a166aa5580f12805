// What goes from one rank to another alone: it has no number, and the others do
// not hear of it.
#include "runtime/collective/channel_group.hpp"

#include "runtime/collective/carry_on.hpp"
#include "runtime/collective/spans.hpp"

#include <deque>

namespace troupe::collective {

struct channel_group::errand {
  gpu::typed_span what;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
};

namespace {

using gpu::const_typed_span;
using gpu::typed_span;

// Only read: no step of it receives.
typed_span as_given(const_typed_span x) {
  return {const_cast<void*>(x.data), x.count, x.type};
}

call call_of(typed_span what, std::uint32_t from, std::uint32_t to) {
  call result;
  result.kind = operation_kind::transfer;
  result.type = what.type;
  result.count = what.count;
  result.root = from;
  result.peer = to;
  return result;
}

struct leg {
  call what;
  itinerary way;
  passage through;

  leg(call asked, const schedule& all, wire& over, typed_span where,
      waiting_room& room, std::uint64_t& sent)
      : what(asked),
        way(itinerary_of(all, over.rank())),
        through(
            way, over, what, {bytes_at(where), 0, nullptr, {}}, room, sent) {}
};

} // namespace

// All at once, so that ranks may send to each other whatever their channels
// hold.
void channel_group::transfer(std::span<const errand> all) {
  if (ended_)
    throw *ended_;
  std::deque<leg> legs;
  for (const auto& [what, from, to] : all) {
    require(from < ranks() && to < ranks() && from != to,
        "a transfer is between two ranks of the group");
    auto moved = blank(ranks(), what.count);
    collective::move(moved, 0, from, to, {0, what.count}, verb::copy);
    legs.emplace_back(
        call_of(what, from, to), moved, *wire_, what, room_, sent_);
  }
  auto open = legs.front().what; // for whoever has to name it
  carry_on(
      open, [&](std::uint32_t& idle, std::vector<wanted>& wants, bool asks) {
        bool moved = false;
        bool done = true;
        for (auto& each : legs) {
          moved |= each.through.advance();
          if (each.through.conflict())
            contradict(each.what, *each.through.conflict());
          if (!each.through.done())
            open = each.what;
          done = done && each.through.done();
        }
        idle = moved ? 0 : idle + 1;
        if (asks && !moved)
          for (const auto& each : legs)
            for (const auto& one : each.through.wants())
              wants.push_back(one);
        return done;
      });
}

void channel_group::send(const_typed_span from, std::uint32_t to) {
  const errand one{as_given(from), rank(), to};
  transfer({&one, 1});
}

void channel_group::receive(typed_span to, std::uint32_t from) {
  const errand one{to, from, rank()};
  transfer({&one, 1});
}

void channel_group::exchange(const_typed_span from, std::uint32_t to,
    typed_span into, std::uint32_t of) {
  if (to == rank() && of == rank()) {
    require(from.count == into.count && from.type == into.type,
        "a rank gives itself as much as it takes, of one type");
    return copy(from.data, into.data, bytes_of(from));
  }
  const errand both[]{{as_given(from), rank(), to}, {into, of, rank()}};
  transfer(both);
}

} // namespace troupe::collective
