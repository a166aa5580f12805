#include "runtime/collective/meeting.hpp"

#include "runtime/collective/memory_wire.hpp"
#include "runtime/collective/sockets.hpp"
#include "runtime/collective/stream_wire.hpp"

#include <cstring>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace troupe::collective {
namespace {

// Ranks are the same program on the same kind of machine.
struct hello {
  static constexpr std::uint32_t mark = 0x54524d31;

  std::uint32_t marked = mark;
  std::uint32_t rank = 0;
  std::uint32_t ranks = 0;
  std::uint32_t line = 0; ///< 1: the lifeline of a pair
  endpoint listens;
};

struct invitation {
  std::uint32_t marked = hello::mark;
  std::uint32_t ranks = 0;
  medium by = medium::tcp;
  std::uint8_t welcome = 0;
  char memory[62] = {};
  char refusal[160] = {};
};

template <class T>
auto bytes(const T& x) {
  return std::as_bytes(std::span{&x, 1});
}
template <class T>
auto writable(T& x) {
  return std::as_writable_bytes(std::span{&x, 1});
}

void write(char* to, std::size_t size, const std::string& text) {
  std::memcpy(to, text.data(), std::min(text.size(), size - 1));
}

std::string missing(const std::vector<descriptor>& lines, std::uint32_t rank) {
  std::string names;
  for (std::uint32_t r = 0; r < lines.size(); ++r)
    if (r != rank && *lines[r] < 0)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", r);
  return names;
}

std::vector<descriptor> none(std::uint32_t ranks) {
  std::vector<descriptor> result;
  for (std::uint32_t r = 0; r < ranks; ++r)
    result.emplace_back(-1);
  return result;
}

} // namespace

class meeting {
public:
  meeting(std::uint32_t rank, std::uint32_t ranks,
      std::chrono::milliseconds patience)
      : rank_(rank),
        ranks_(ranks),
        patience_(patience),
        until_(std::chrono::steady_clock::now() + patience),
        sockets_(none(ranks)),
        lines_(none(ranks)),
        ends_(ranks) {
    if (ranks == 0 || ranks > hall::most_ranks || rank >= ranks)
      throw std::runtime_error{fmt::format(
          "rank {} of {}: a group has 1 to {} ranks, numbered from 0", rank,
          ranks, hall::most_ranks)};
  }

  std::unique_ptr<wire> as_first(meeting_place& at, medium by) {
    invitation note;
    note.ranks = ranks_;
    note.by = by;
    note.welcome = 1;
    std::shared_ptr<hall> place;
    if (by == medium::memory) {
      place = hall::make_shared(ranks_);
      write(note.memory, sizeof note.memory, place->name());
    }
    await_all(*at.socket_);
    for (std::uint32_t r = 1; r < ranks_; ++r)
      if (!put(*lines_[r], bytes(note), until_) ||
          !put(*lines_[r], std::as_bytes(std::span{ends_}), until_))
        throw gone(r);
    await_lines(*at.socket_);
    all_are_here(true);
    return made(by, std::move(place));
  }

  std::unique_ptr<wire> as_other(const std::string& address) {
    auto line = dial(endpoint_of(address), until_);
    if (!line)
      throw std::runtime_error{
          fmt::format("rank {}: rank 0 did not answer at {} within {} ms",
              rank_, address, patience_.count())};
    const auto own = own_end(**line).host;
    const auto door = listen_at({own, 0});
    hello me{hello::mark, rank_, ranks_, 1, own_end(*door)};
    invitation note;
    ends_.resize(ranks_);
    if (!put(**line, bytes(me), until_) ||
        !get(**line, writable(note), until_) || note.marked != hello::mark)
      throw std::runtime_error{
          fmt::format("rank {}: what answers at {} is no rank 0, or it gave up",
              rank_, address)};
    if (note.welcome == 0)
      throw std::runtime_error{note.refusal};
    if (!get(**line, std::as_writable_bytes(std::span{ends_}), until_))
      throw gone(0);
    ends_[0] = other_end(**line);
    lines_[0] = std::move(*line);
    std::shared_ptr<hall> place;
    if (note.by == medium::memory)
      place = hall::open(note.memory, ranks_);
    dial_lower();
    await_lines(*door);
    all_are_here(false);
    return made(note.by, std::move(place));
  }

private:
  std::runtime_error gone(std::uint32_t rank) const {
    return std::runtime_error{fmt::format(
        "rank {}: rank {} went away before all had come", rank_, rank)};
  }

  // Each rank's first connection is its lifeline to rank 0.
  void await_all(int door) {
    for (std::uint32_t come = 1; come < ranks_;) {
      auto one = accept_one(door, until_);
      if (!one)
        throw std::runtime_error{
            fmt::format("rank {} did not come within {} ms",
                missing(lines_, rank_), patience_.count())};
      hello who;
      if (!get(**one, writable(who), soon()) || who.marked != hello::mark)
        continue; // a stranger
      invitation note;
      if (who.ranks != ranks_)
        write(note.refusal, sizeof note.refusal,
            fmt::format("rank {} says that there are {} ranks, rank 0 that "
                        "there are {}",
                who.rank, who.ranks, ranks_));
      else if (who.rank == 0 || who.rank >= ranks_)
        write(note.refusal, sizeof note.refusal,
            fmt::format("rank {} cannot come to the {} ranks of rank 0",
                who.rank, ranks_));
      else if (*lines_[who.rank] >= 0)
        write(note.refusal, sizeof note.refusal,
            fmt::format("rank {} has come before", who.rank));
      if (note.refusal[0] != 0) {
        put(**one, bytes(note), soon());
        continue;
      }
      ends_[who.rank] = who.listens;
      lines_[who.rank] = std::move(*one);
      ++come;
    }
  }

  deadline soon() const {
    return std::min(
        until_, std::chrono::steady_clock::now() + std::chrono::seconds{2});
  }

  void dial_lower() {
    for (std::uint32_t peer = 0; peer < rank_; ++peer)
      for (std::uint32_t line = 0; line < 2; ++line) {
        if (peer == 0 && line == 1)
          continue; // that is there
        auto one = dial(ends_[peer], until_);
        const hello me{hello::mark, rank_, ranks_, line, {}};
        if (!one || !put(**one, bytes(me), until_))
          throw gone(peer);
        (line == 1 ? lines_ : sockets_)[peer] = std::move(*one);
      }
  }

  void await_lines(int door) {
    const auto higher = ranks_ - 1 - rank_;
    for (auto left = rank_ == 0 ? higher : 2 * higher; left > 0;) {
      auto one = accept_one(door, until_);
      if (!one)
        throw std::runtime_error{
            fmt::format("rank {}: rank {} did not come within {} ms", rank_,
                missing(sockets_, rank_), patience_.count())};
      hello who;
      if (!get(**one, writable(who), soon()) || who.marked != hello::mark ||
          who.rank <= rank_ || who.rank >= ranks_)
        continue;
      auto& to = (who.line == 1 ? lines_ : sockets_)[who.rank];
      if (*to >= 0)
        continue;
      to = std::move(*one);
      --left;
    }
  }

  // Nobody goes on, and nobody takes a name away, before all are connected.
  void all_are_here(bool first) {
    std::byte sign{1};
    const auto hear = [&](std::uint32_t r) {
      if (!get(*lines_[r], {&sign, 1}, until_))
        throw gone(r);
    };
    const auto say = [&](std::uint32_t r) {
      if (!put(*lines_[r], {&sign, 1}, until_))
        throw gone(r);
    };
    if (!first) {
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
    place->forget();
    return std::make_unique<memory_wire>(
        rank_, std::move(place), lifelines{rank_, std::move(lines_)});
  }

  std::uint32_t rank_;
  std::uint32_t ranks_;
  std::chrono::milliseconds patience_;
  deadline until_;
  std::vector<descriptor> sockets_;
  std::vector<descriptor> lines_;
  std::vector<endpoint> ends_;
};

meeting_place::meeting_place(const std::string& address)
    : socket_(listen_at(endpoint_of(address))),
      address_(to_string(own_end(*socket_))) {}

std::unique_ptr<wire> meet_as_first(meeting_place& at, std::uint32_t ranks,
    medium by, std::chrono::milliseconds patience) {
  return meeting{0, ranks, patience}.as_first(at, by);
}

std::unique_ptr<wire> meet(const std::string& address, std::uint32_t rank,
    std::uint32_t ranks, std::chrono::milliseconds patience) {
  return meeting{rank, ranks, patience}.as_other(address);
}

} // namespace troupe::collective
