#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::collective {

/// Elements [begin, end) of a block.
struct range {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::size_t size() const noexcept { return end - begin; }
  bool empty() const noexcept { return begin == end; }
  bool meets(const range& other) const noexcept {
    return begin < other.end && other.begin < end;
  }
  friend bool operator==(const range&, const range&) = default;
};

/// Leaves [begin, end) of the tree along which canonical sums are added
/// (`canonical.hpp`); empty: none in particular.
struct node {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  bool empty() const noexcept { return begin == end; }
  friend bool operator==(const node&, const node&) = default;
  friend auto operator<=>(const node&, const node&) = default;
};

/// What a rank does in a step: give a range of its block to a peer, or take one
/// from it. What comes takes the place of what was there, is added to it, or
/// is joined: all that a round joins to one range, and what was there, is added
/// along the fixed tree over the ranks that it comes from.
enum class verb : std::uint8_t { send, copy, add, join };
const char* to_string(verb what) noexcept;

struct step {
  std::uint32_t round = 0;
  verb what = verb::send;
  std::uint32_t peer = 0;
  range part;
  node of; ///< a partial sum that lies beside the block, not in it

  friend bool operator==(const step&, const step&) = default;
};

/// Who moves what when, as a value: each rank's steps, by round. A rank makes
/// all steps of a round at once: what it sends in a round is what it had before
/// it, what it receives counts behind it. The k-th span that it sends to a peer
/// is the k-th that the peer receives from it.
///
///     round 0    rank 0  send [0, 4) to 1      rank 1  add [0, 4) from 0
///                        add [4, 8) from 1             send [4, 8) to 0
///     round 1    rank 0  send [4, 8) to 1      rank 1  copy [4, 8) from 0
///                        copy [0, 4) from 1            send [0, 4) to 0
///
/// Whoever carries it out need not wait for a round to end: a step may be made
/// as soon as no earlier round has a step on the same elements.
struct schedule {
  std::size_t extent = 0; ///< elements of a block
  /// What is sent is read from one block, what comes goes into another one.
  bool apart = false;
  std::vector<std::vector<step>> ranks;

  friend bool operator==(const schedule&, const schedule&) = default;
};

schedule blank(std::uint32_t ranks, std::size_t extent);

/// Rounds up to the last step of any rank.
std::uint32_t rounds_of(const schedule& x) noexcept;
std::size_t steps_of(const schedule& x) noexcept;

/// Adds the two steps of one transfer; none if the range is empty.
void move(schedule& to, std::uint32_t round, std::uint32_t from,
    std::uint32_t peer, range part, verb how, node of = {});

/// First `a`, then `b`.
schedule then(schedule a, const schedule& b);

/// Both, `b` so many rounds later. Of one round, the steps of `a` come first.
schedule beside(schedule a, const schedule& b, std::uint32_t later = 0);

/// Backwards in time, so that a sum's way to its owner is its way back: what
/// was sent is received and takes the place of what was there.
schedule reversed(const schedule& x);

/// The same messages with nothing in them.
schedule emptied(schedule x);

/// [0, count) in so many parts that differ little; their bounds are multiples
/// of a cache line's elements where that is little, too.
std::vector<range> divided(std::size_t count, std::size_t parts);

/// One line a step, by round and rank.
std::string to_text(const schedule& x);

} // namespace troupe::collective
