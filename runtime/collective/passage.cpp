#include "runtime/collective/passage.hpp"

#include "gpu/collective/sums.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace troupe::collective {
namespace {

constexpr std::size_t most_unmade = 8;

} // namespace

std::unique_ptr<std::byte[]> waiting_room::take() {
  if (free_.empty())
    return std::make_unique_for_overwrite<std::byte[]>(size);
  auto one = std::move(free_.back());
  free_.pop_back();
  return one;
}

void waiting_room::give_back(std::unique_ptr<std::byte[]> one) {
  free_.push_back(std::move(one));
}

passage::passage(const itinerary& way, wire& over, const call& what,
    workplace where, waiting_room& room, std::uint64_t& sent, bool bare)
    : way_(way),
      wire_(over),
      what_(what),
      where_(std::move(where)),
      room_(room),
      sent_(sent),
      bare_(bare),
      each_(gpu::bytes_of(what.type)),
      state_(way.stops.size()),
      lines_(way.out.size()),
      left_(way.stops.size()) {
  for (std::size_t i = 0; i < state_.size(); ++i) {
    // A message with nothing in it is a byte.
    const auto& x = way.stops[i].what;
    state_[i].total = x.part.empty() ? 1 : x.part.size() * each_;
    if (x.peer == wire_.rank())
      state_[i].moved = state_[i].total;
  }
  for (std::uint32_t i = 0; i < way.meetings.size(); ++i)
    open_.push_back(i);
}

passage::~passage() {
  for (auto& each : state_)
    if (each.held && !each.whole)
      room_.give_back(std::move(each.held));
}

// How many bytes of it may be made, as far as earlier steps are.
std::size_t passage::limit(std::uint32_t number) const {
  const auto& mine = state_[number];
  const auto& stop = way_.stops[number];
  while (mine.first < stop.behind.size() && through(stop.behind[mine.first]))
    ++mine.first;
  if (mine.first == stop.behind.size())
    return mine.total;
  if (stop.what.part.empty())
    return 0;
  const auto begin = stop.what.part.begin;
  const auto at = begin + mine.made / each_;
  auto most = stop.what.part.end;
  for (auto i = mine.first; i < stop.behind.size(); ++i) {
    const auto other = stop.behind[i];
    const auto& part = way_.stops[other].what.part;
    if (through(other) || at >= part.end)
      continue;
    most = std::min(most,
        std::max(part.begin, at < part.begin
                                 ? part.begin
                                 : part.begin + state_[other].made / each_));
  }
  return std::max(mine.made, (std::max(most, begin) - begin) * each_);
}

const std::byte* passage::source(const step& x) const {
  const auto at = x.part.begin * each_;
  if (!x.of.empty())
    return where_.beside.at(x.of) + at;
  return where_.given ? where_.given + at : target(x.part);
}

void passage::count(std::uint32_t number, std::size_t made) {
  state_[number].made = made;
  if (made == state_[number].total)
    --left_;
}

bool passage::advance() {
  bool moved = false;
  const auto n = wire_.ranks();
  for (std::uint32_t apart = 1; apart < n && !conflict_; ++apart) {
    moved |= send_to((wire_.rank() + apart) % n);
    moved |= receive_from((wire_.rank() + n - apart) % n);
  }
  for (std::size_t i = 0; i < open_.size();) {
    moved |= meet(open_[i]);
    if (through(way_.meetings[open_[i]].steps.front()))
      open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
    else if (state_[way_.meetings[open_[i]].steps.front()].moved == 0)
      break; // nor have later ones begun
    else
      ++i;
  }
  return moved;
}

// The call goes ahead of the first message to each peer, together with it if
// that is short.
bool passage::greet(
    std::uint32_t peer, std::uint32_t number, std::size_t most) {
  auto& to = lines_[peer];
  auto& mine = state_[number];
  if (to.ahead.empty()) {
    to.packed = most == mine.total && most <= small;
    to.ahead.resize(sizeof(call) + (to.packed ? most : 0));
    std::memcpy(to.ahead.data(), &what_, sizeof(call));
    if (to.packed && !way_.stops[number].what.part.empty())
      std::memcpy(to.ahead.data() + sizeof(call),
          source(way_.stops[number].what), most);
  }
  const auto gone = wire_.with(peer).send(
      std::span<const std::byte>{to.ahead}.subspan(to.ahead_sent));
  to.ahead_sent += gone;
  to.greeted = to.ahead_sent == to.ahead.size();
  if (to.greeted && to.packed) {
    if (!way_.stops[number].what.part.empty())
      sent_ += mine.total;
    mine.moved = mine.total;
    count(number, mine.total);
    ++to.out;
  }
  return gone > 0;
}

bool passage::send_to(std::uint32_t peer) {
  static constexpr std::byte token{1};
  auto& to = lines_[peer];
  bool moved = false;
  while (to.out < way_.out[peer].size()) {
    const auto number = way_.out[peer][to.out];
    auto& mine = state_[number];
    const auto most = limit(number);
    if (most == mine.made)
      break;
    if (!to.greeted) {
      if (!greet(peer, number, most))
        break;
      moved = true;
      if (!to.greeted || to.packed)
        continue;
    }
    const auto& x = way_.stops[number].what;
    const auto* from = x.part.empty() ? &token : source(x);
    const auto gone =
        wire_.with(peer).send({from + mine.made, most - mine.made});
    if (gone == 0)
      break;
    moved = true;
    if (!x.part.empty())
      sent_ += gone;
    mine.moved += gone;
    count(number, mine.moved);
    if (!through(number))
      break; // others have their turn
    ++to.out;
  }
  return moved;
}

bool passage::hear(std::uint32_t peer) {
  auto& from = lines_[peer];
  const auto came = wire_.with(peer).receive(
      std::as_writable_bytes(std::span{&from.theirs, 1}).subspan(from.heard));
  from.heard += came;
  if (from.heard == sizeof(call) && from.theirs != what_)
    conflict_ =
        loss{peer, disagreement(wire_.rank(), what_, peer, from.theirs), false};
  return came > 0;
}

bool passage::may_start(const line& from, std::uint32_t number) const {
  return state_[number].moved > 0 || from.unmade.size() < most_unmade ||
         way_.stops[from.unmade.front()].what.round ==
             way_.stops[number].what.round;
}

// Nothing more has to come for it, and what came is out of the next one's way.
bool passage::finished_with(std::uint32_t number) const {
  const auto& mine = state_[number];
  return through(number) ||
         (way_.stops[number].meeting != itinerary::none &&
             mine.moved == mine.total &&
             (mine.whole || mine.total <= waiting_room::size));
}

bool passage::receive_from(std::uint32_t peer) {
  auto& from = lines_[peer];
  bool moved = false;
  while (from.in < way_.in[peer].size() && !conflict_) {
    if (from.heard < sizeof(call)) {
      if (!hear(peer))
        break;
      moved = true;
      continue;
    }
    const auto number = way_.in[peer][from.in];
    std::erase_if(from.unmade, [&](auto each) { return through(each); });
    if (!may_start(from, number))
      break;
    const auto what = way_.stops[number].what.what;
    const bool some =
        what == verb::copy ? take(peer, number) : hold(peer, number);
    moved |= some;
    if (!finished_with(number)) {
      if (!some)
        break;
      if (what == verb::copy)
        break;
      continue;
    }
    if (!through(number))
      from.unmade.push_back(number);
    ++from.in;
  }
  return moved;
}

// Straight to its place.
bool passage::take(std::uint32_t peer, std::uint32_t number) {
  auto& mine = state_[number];
  const auto& x = way_.stops[number].what;
  std::byte token{};
  const auto most = limit(number);
  auto* to = x.part.empty() ? &token : target(x.part);
  const auto came =
      wire_.with(peer).receive({to + mine.made, most - mine.made});
  if (came == 0)
    return false;
  mine.moved += came;
  count(number, mine.moved);
  return true;
}

// To where it waits, and from there to the sum, as far as that may go.
bool passage::hold(std::uint32_t peer, std::uint32_t number) {
  auto& mine = state_[number];
  const auto& stop = way_.stops[number];
  if (!mine.held) {
    mine.whole = stop.kept_whole && mine.total > waiting_room::size;
    mine.held = mine.whole
                    ? std::make_unique_for_overwrite<std::byte[]>(mine.total)
                    : room_.take();
  }
  const auto size = mine.whole ? mine.total : waiting_room::size;
  const auto at = mine.moved % size;
  const auto room = std::min(
      {size - (mine.moved - mine.made), size - at, mine.total - mine.moved});
  const auto came = wire_.with(peer).receive({mine.held.get() + at, room});
  mine.moved += came;
  const bool added =
      stop.meeting == itinerary::none ? add(number) : meet(stop.meeting);
  return came > 0 || added;
}

bool passage::add(std::uint32_t number) {
  auto& mine = state_[number];
  const auto& x = way_.stops[number].what;
  const auto until = std::min(mine.moved, limit(number)) / each_ * each_;
  if (until <= mine.made)
    return false;
  while (mine.made < until) {
    const auto at = mine.made % waiting_room::size;
    const auto some = std::min(until - mine.made, waiting_room::size - at);
    auto* to = target(x.part) + mine.made;
    if (!bare_)
      gpu::combine(
          what_.how, what_.type, to, mine.held.get() + at, to, some / each_);
    count(number, mine.made + some);
  }
  if (through(number))
    room_.give_back(std::move(mine.held));
  return true;
}

bool passage::meet(std::uint32_t which) {
  const auto& all = way_.meetings[which];
  const auto first = all.steps.front();
  const auto made = state_[first].made;
  auto until = state_[first].total;
  if (made == until)
    return false;
  for (auto number : all.steps)
    if (number != itinerary::none)
      until = std::min(
          {until, state_[number].moved / each_ * each_, limit(number)});
  if (until <= made)
    return false;
  std::vector<const void*> terms(all.steps.size());
  for (auto at = made; at < until;) {
    auto some = until - at;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const auto number = all.steps[i];
      if (number == itinerary::none) {
        terms[i] = target(all.part) + at;
      } else if (const auto& mine = state_[number]; !mine.held) {
        terms[i] = source(way_.stops[number].what) + at;
      } else if (mine.whole) {
        terms[i] = mine.held.get() + at;
      } else {
        const auto place = at % waiting_room::size;
        some = std::min(some, waiting_room::size - place);
        terms[i] = mine.held.get() + place;
      }
    }
    void* to = target(all.part) + at;
    if (!bare_)
      gpu::combine_in_order(what_.how, what_.type, terms, all.order,
          std::span{&to, 1}, some / each_);
    at += some;
  }
  for (auto number : all.steps)
    if (number != itinerary::none) {
      count(number, until);
      auto& mine = state_[number];
      if (through(number) && mine.held && !mine.whole)
        room_.give_back(std::move(mine.held));
    }
  return true;
}

std::vector<wanted> passage::wants() const {
  std::vector<wanted> result;
  for (std::uint32_t peer = 0; peer < lines_.size(); ++peer) {
    const auto& at = lines_[peer];
    wanted what{peer, false, false};
    if (at.out < way_.out[peer].size()) {
      const auto number = way_.out[peer][at.out];
      what.send = limit(number) > state_[number].made;
    }
    if (at.in < way_.in[peer].size()) {
      const auto number = way_.in[peer][at.in];
      const auto& mine = state_[number];
      const bool copies = way_.stops[number].what.what == verb::copy;
      what.receive = at.heard < sizeof(call) ||
                     (may_start(at, number) &&
                         (copies ? limit(number) > mine.made
                                 : mine.moved < mine.total &&
                                       (mine.whole || mine.moved - mine.made <
                                                          waiting_room::size)));
    }
    if (what.send || what.receive)
      result.push_back(what);
  }
  return result;
}

} // namespace troupe::collective
