#include "runtime/collective/meeting.hpp"

#include "runtime/collective/greetings.hpp"
#include "runtime/collective/letterbox.hpp"
#include "runtime/collective/memory_wire.hpp"
#include "runtime/collective/plain_channel.hpp"
#include "runtime/collective/stream_wire.hpp"

#include <cstring>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <poll.h>

namespace troupe::collective {
namespace {

using guest = std::unique_ptr<stream_channel>;

std::string missing(const streams& lines, std::uint32_t rank) {
  std::string names;
  for (std::uint32_t r = 0; r < lines.size(); ++r)
    if (r != rank && !lines[r])
      names += fmt::format("{}{}", names.empty() ? "" : ", ", r);
  return names;
}

} // namespace

class meeting {
public:
  meeting(std::uint32_t rank, std::uint32_t ranks, const appointment& when)
      : rank_(rank),
        ranks_(ranks),
        when_(when),
        until_(std::chrono::steady_clock::now() + when.patience),
        sockets_(ranks),
        lines_(ranks),
        ends_(ranks),
        boxes_(ranks) {
    if (ranks == 0 || ranks > hall::most_ranks || rank >= ranks)
      throw std::runtime_error{fmt::format(
          "rank {} of {}: a group has 1 to {} ranks, numbered from 0", rank,
          ranks, hall::most_ranks)};
  }

  std::unique_ptr<wire> as_first(meeting_place& at, medium by) {
    std::shared_ptr<hall> place;
    if (by == medium::memory)
      place = hall::make_shared(ranks_);
    await_all(*at.socket_);
    invite(by, place.get());
    await_lines(*at.socket_);
    all_are_here();
    return made(by, std::move(place));
  }

  std::unique_ptr<wire> as_other(const std::string& address) {
    box_.emplace();
    const auto by = join(address);
    std::shared_ptr<hall> place;
    if (by == medium::memory)
      place = handed_over();
    dial_lower();
    await_lines(**door_);
    all_are_here();
    return made(by, std::move(place));
  }

  // With words for whatever ended a wait from outside.
  template <class Act>
  auto within_bounds(Act&& act) {
    try {
      return act();
    } catch (const called_off&) {
      throw meeting_called_off{fmt::format(
          "rank {}: the meeting was called off before all had come", rank_)};
    } catch (const line_ended& which) {
      for (std::uint32_t r = 0; r < ranks_; ++r)
        if (lines_[r] && lines_[r]->socket() == which.socket())
          throw gone(r);
      throw;
    }
  }

private:
  bounds patient() const { return {until_, when_.stop, {}}; }
  bounds soon() const { return patient().sooner(std::chrono::seconds{2}); }
  // As long as all that came before are there.
  bounds watching() const {
    auto result = patient();
    for (const auto& each : lines_)
      if (each)
        result.lines.push_back(each->socket());
    return result;
  }

  std::runtime_error gone(std::uint32_t rank) const {
    return std::runtime_error{fmt::format(
        "rank {}: rank {} went away before all had come", rank_, rank)};
  }
  std::runtime_error late(const std::string& who) const {
    return std::runtime_error{
        fmt::format("rank {}: rank {} did not come within {} ms{}{}", rank_,
            who, when_.patience.count(),
            trouble_.empty() ? "" : "; somebody was turned away: ", trouble_)};
  }

  // Null: it will not do, for the reason that `trouble_` keeps.
  guest channel_over(descriptor socket, bool dialled) {
    if (!when_.by)
      return std::make_unique<plain_channel>(std::move(socket));
    auto result =
        std::make_unique<tls_channel>(std::move(socket), when_.by, dialled);
    const auto most = dialled ? patient() : soon();
    while (!result->shakes_hands())
      if (result->broken() ||
          !ready(result->socket(), result->waits_for(), most)) {
        note_trouble(*result);
        return nullptr;
      }
    return result;
  }

  void note_trouble(const stream_channel& whom) {
    if (auto why = whom.trouble(); !why.empty())
      trouble_ = std::move(why);
  }

  // Each rank's first connection is its lifeline to rank 0.
  void await_all(int door) {
    while (!missing(lines_, rank_).empty()) {
      auto one = guest_at(door);
      hello who;
      if (!one || !get(*one, writable(who), soon()) ||
          who.marked != hello::mark)
        continue; // a stranger
      invitation note;
      note.as = how_to_greet(who, note);
      if (note.as != welcome::welcome) {
        put(*one, bytes(note), soon());
        continue;
      }
      ends_[who.rank] = who.listens;
      boxes_[who.rank].assign(who.box, strnlen(who.box, sizeof who.box));
      lines_[who.rank] = std::move(one);
    }
  }

  // Whoever leaves meanwhile is expected again.
  guest guest_at(int door) {
    for (;;)
      try {
        auto one = accept_one(door, watching());
        if (!one)
          throw late(missing(lines_, rank_));
        return channel_over(std::move(*one), false);
      } catch (const line_ended& which) {
        for (auto& each : lines_)
          if (each && each->socket() == which.socket())
            each.reset();
      }
  }

  welcome how_to_greet(const hello& who, invitation& note) const {
    if (who.number > when_.number)
      return welcome::come_again;
    if (who.number < when_.number)
      write(note.refusal,
          fmt::format("rank {} comes to meeting {}, rank 0 is at meeting {}",
              who.rank, who.number, when_.number));
    else if (who.ranks != ranks_)
      write(note.refusal,
          fmt::format(
              "rank {} says that there are {} ranks, rank 0 that there are {}",
              who.rank, who.ranks, ranks_));
    else if (who.rank == 0 || who.rank >= ranks_)
      write(note.refusal,
          fmt::format("rank {} cannot come to the {} ranks of rank 0", who.rank,
              ranks_));
    else if (lines_[who.rank])
      write(note.refusal, fmt::format("rank {} has come before", who.rank));
    else
      return welcome::welcome;
    return welcome::refused;
  }

  void invite(medium by, hall* place) {
    invitation note;
    note.by = by;
    note.as = welcome::welcome;
    for (std::uint32_t r = 1; r < ranks_; ++r)
      if (!put(*lines_[r], bytes(note), patient()) ||
          !put(*lines_[r], std::as_bytes(std::span{ends_}), patient()) ||
          (place && !hand_in(boxes_[r], *place->file())))
        throw gone(r);
  }

  static constexpr int most_hung_up = 10;

  medium join(const std::string& address) {
    for (;;) {
      auto socket = dial(endpoint_of(address), patient());
      if (!socket)
        throw std::runtime_error{
            fmt::format("rank {}: rank 0 did not answer at {} within {} ms",
                rank_, address, when_.patience.count())};
      const auto own = own_end(**socket).host;
      auto line = channel_over(std::move(*socket), true);
      if (!door_)
        door_ = listen_at({own, 0});
      hello me{
          hello::mark, rank_, ranks_, 1, when_.number, own_end(**door_), {}};
      write(me.box, box_->name());
      invitation note;
      const auto answered = line && put(*line, bytes(me), patient()) &&
                            get(*line, writable(note), patient());
      if (!answered || note.marked != hello::mark) {
        const auto why = unheard(address, line.get());
        // A meeting that is called off hangs up; the next one is to come.
        if (answered || !trouble_.empty() || ++hung_up_ > most_hung_up)
          throw why;
        note.as = welcome::come_again;
      }
      if (note.as == welcome::refused)
        throw std::runtime_error{note.refusal};
      if (note.as == welcome::come_again) {
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
        continue;
      }
      if (!get(*line, std::as_writable_bytes(std::span{ends_}), patient()))
        throw gone(0);
      ends_[0] = other_end(line->socket());
      lines_[0] = std::move(line);
      return note.by;
    }
  }

  std::runtime_error unheard(
      const std::string& address, const stream_channel* line) {
    if (line)
      note_trouble(*line);
    return std::runtime_error{fmt::format(
        "rank {}: what answers at {} is no rank 0, or it gave up{}{}", rank_,
        address, trouble_.empty() ? "" : ": ", trouble_)};
  }

  std::shared_ptr<hall> handed_over() {
    auto file = box_->take(watching());
    if (!file)
      throw late("0");
    return hall::in(memory_file{std::move(*file)}, ranks_);
  }

  void dial_lower() {
    for (std::uint32_t peer = 0; peer < rank_; ++peer)
      for (std::uint32_t line = 0; line < 2; ++line) {
        if (peer == 0 && line == 1)
          continue; // that is there
        auto socket = dial(ends_[peer], watching());
        auto one = socket ? channel_over(std::move(*socket), true) : nullptr;
        const hello me{hello::mark, rank_, ranks_, line, when_.number, {}, {}};
        if (!one || !put(*one, bytes(me), watching()))
          throw gone(peer);
        (line == 1 ? lines_ : sockets_)[peer] = std::move(one);
      }
  }

  void await_lines(int door) {
    const auto higher = ranks_ - 1 - rank_;
    for (auto left = rank_ == 0 ? higher : 2 * higher; left > 0;) {
      auto socket = accept_one(door, watching());
      if (!socket)
        throw late(missing(sockets_, rank_));
      auto one = channel_over(std::move(*socket), false);
      hello who;
      if (!one || !get(*one, writable(who), soon()) ||
          who.marked != hello::mark || who.rank <= rank_ ||
          who.rank >= ranks_ || who.number != when_.number)
        continue;
      auto& to = (who.line == 1 ? lines_ : sockets_)[who.rank];
      if (to)
        continue;
      to = std::move(one);
      --left;
    }
  }

  // Nobody goes on before all are connected.
  void all_are_here() {
    std::byte sign{1};
    const auto hear = [&](std::uint32_t r) {
      if (!get(*lines_[r], {&sign, 1}, patient()))
        throw gone(r);
    };
    const auto say = [&](std::uint32_t r) {
      if (!put(*lines_[r], {&sign, 1}, patient()))
        throw gone(r);
    };
    if (rank_ > 0) {
      say(0);
      hear(0);
      return;
    }
    for (std::uint32_t r = 1; r < ranks_; ++r)
      hear(r);
    for (std::uint32_t r = 1; r < ranks_; ++r)
      say(r);
  }

  std::unique_ptr<wire> made(medium by, std::shared_ptr<hall> place) {
    if (by == medium::tcp)
      return std::make_unique<stream_wire>(
          rank_, std::move(sockets_), std::move(lines_));
    return std::make_unique<memory_wire>(
        rank_, std::move(place), lifelines{rank_, std::move(lines_)});
  }

  std::uint32_t rank_;
  std::uint32_t ranks_;
  const appointment& when_;
  deadline until_;
  streams sockets_;
  streams lines_;
  std::vector<endpoint> ends_;
  std::vector<std::string> boxes_;
  std::optional<letterbox> box_;
  std::optional<descriptor> door_;
  int hung_up_ = 0; ///< times that rank 0 did, without a word
  std::string trouble_;
};

meeting_place::meeting_place(const std::string& address)
    : socket_(listen_at(endpoint_of(address))),
      address_(to_string(own_end(*socket_))) {}

std::unique_ptr<wire> meet_as_first(meeting_place& at, std::uint32_t ranks,
    medium by, const appointment& when) {
  meeting here{0, ranks, when};
  return here.within_bounds([&] { return here.as_first(at, by); });
}

std::unique_ptr<wire> meet(const std::string& address, std::uint32_t rank,
    std::uint32_t ranks, const appointment& when) {
  meeting here{rank, ranks, when};
  return here.within_bounds([&] { return here.as_other(address); });
}

} // namespace troupe::collective
