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

// What has come of a message stays with its leg until the rest is there.
class channel_group::letters final : public inbox {
public:
  letters(channel_group& at, std::span<const std::uint32_t> from,
      std::size_t count, gpu::element type)
      : at_(at) {
    const auto bytes = count * gpu::bytes_of(type);
    for (const auto each : from) {
      require(each < at.ranks() && each != at.rank(),
          "an inbox hears other ranks of the group");
      slots_.push_back({each, std::vector<std::byte>(bytes), {}});
      slots_.back().what = {slots_.back().room.data(), count, type};
    }
    require(!slots_.empty(), "an inbox hears somebody");
  }

  std::uint32_t next(typed_span to) override {
    if (at_.ended_)
      throw *at_.ended_;
    for (auto& each : slots_)
      if (!each.open)
        open(each);
    auto* done = &slots_.front();
    at_.carry_on(done->open->what,
        [&](std::uint32_t& idle, std::vector<wanted>& wants, bool asks) {
          for (std::size_t i = 0; i < slots_.size(); ++i) {
            auto& each = slots_[(turn_ + i) % slots_.size()];
            if (each.open->through.advance())
              idle = 0;
            if (each.open->through.conflict())
              at_.contradict(each.open->what, *each.open->through.conflict());
            if (!each.open->through.done())
              continue;
            done = &each;
            turn_ = (turn_ + i + 1) % slots_.size();
            return true;
          }
          ++idle;
          if (asks)
            for (const auto& each : slots_)
              for (const auto& one : each.open->through.wants())
                wants.push_back(one);
          return false;
        });
    copy(done->what.data, to.data, bytes_of(const_typed_span{to}));
    done->open.reset();
    return done->from;
  }

private:
  struct slot {
    std::uint32_t from = 0;
    std::vector<std::byte> room;
    typed_span what;
    std::unique_ptr<leg> open{};
  };

  void open(slot& of) {
    auto moved = blank(at_.ranks(), of.what.count);
    collective::move(
        moved, 0, of.from, at_.rank(), {0, of.what.count}, verb::copy);
    of.open = std::make_unique<leg>(call_of(of.what, of.from, at_.rank()),
        moved, *at_.wire_, of.what, at_.room_, at_.sent_);
  }

  channel_group& at_;
  std::deque<slot> slots_;
  std::size_t turn_ = 0; ///< who is looked at first: nobody is passed over
};

std::unique_ptr<inbox> channel_group::open_inbox(
    std::span<const std::uint32_t> from, std::size_t count, gpu::element type) {
  return std::make_unique<letters>(*this, from, count, type);
}

} // namespace troupe::collective
