#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/collective/call.hpp"
#include "runtime/collective/itinerary.hpp"
#include "runtime/collective/wire.hpp"

namespace troupe::collective {

/// Where a passage finds and leaves its elements.
struct workplace {
  std::byte* block = nullptr;
  std::size_t first = 0;            ///< the element that the block begins with
  const std::byte* given = nullptr; ///< what is sent; null: the block
  std::map<node, const std::byte*> beside;
};

/// Memory in which what comes waits to be added; kept between passages, so that
/// it is in cache.
class waiting_room {
public:
  static constexpr std::size_t size = std::size_t{256} << 10;

  std::unique_ptr<std::byte[]> take();
  void give_back(std::unique_ptr<std::byte[]> one);

private:
  std::vector<std::unique_ptr<std::byte[]>> free_;
};

/// One rank's way through a schedule, over a wire: moves whatever can be moved,
/// and never waits.
class passage {
public:
  /// `sent` goes up by the bytes of elements that go to others. `bare`: nothing
  /// is added; a figure of what the wire alone takes.
  passage(const itinerary& way, wire& over, const call& what, workplace where,
      waiting_room& room, std::uint64_t& sent, bool bare = false);
  ~passage();
  passage(const passage&) = delete;
  passage& operator=(const passage&) = delete;

  /// Whether anything was moved or added.
  bool advance();
  bool done() const noexcept { return left_ == 0; }
  /// What is open with whom.
  std::vector<wanted> wants() const;
  /// A peer that was asked for something else.
  const std::optional<loss>& conflict() const noexcept { return conflict_; }

private:
  struct progress {
    std::size_t total = 0;           // bytes
    std::size_t moved = 0;           // sent, or come
    std::size_t made = 0;            // and counted
    mutable std::uint32_t first = 0; // of `behind` that is not through
    std::unique_ptr<std::byte[]> held;
    bool whole = false; // held is as large as what comes
  };
  struct line {
    std::uint32_t out = 0; // next of the itinerary's steps to this peer
    std::uint32_t in = 0;
    std::vector<std::byte> ahead; // the call, and what goes with it
    std::size_t ahead_sent = 0;
    bool greeted = false; // the call is gone
    bool packed = false;  // with all of the first step
    call theirs;
    std::size_t heard = 0;             // bytes of it
    std::vector<std::uint32_t> unmade; // come, but not added yet
  };

  static constexpr std::size_t small = 2048;

  std::size_t limit(std::uint32_t number) const;
  bool through(std::uint32_t number) const {
    return state_[number].made == state_[number].total;
  }
  const std::byte* source(const step& x) const;
  std::byte* target(const range& part) const {
    return where_.block + (part.begin - where_.first) * each_;
  }
  void count(std::uint32_t number, std::size_t made);

  bool send_to(std::uint32_t peer);
  bool greet(std::uint32_t peer, std::uint32_t number, std::size_t most);
  bool receive_from(std::uint32_t peer);
  bool hear(std::uint32_t peer);
  bool take(std::uint32_t peer, std::uint32_t number);
  bool hold(std::uint32_t peer, std::uint32_t number);
  bool add(std::uint32_t number);
  bool meet(std::uint32_t which);
  bool may_start(const line& from, std::uint32_t number) const;
  bool finished_with(std::uint32_t number) const;

  const itinerary& way_;
  wire& wire_;
  call what_;
  workplace where_;
  waiting_room& room_;
  std::uint64_t& sent_;
  bool bare_;
  std::size_t each_; // bytes of an element
  std::vector<progress> state_;
  std::vector<line> lines_;
  std::vector<std::uint32_t> open_; // meetings that are not over
  std::size_t left_;
  std::optional<loss> conflict_;
};

} // namespace troupe::collective
