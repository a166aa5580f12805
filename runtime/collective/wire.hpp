#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "runtime/collective/channel.hpp"

namespace troupe::collective {

class hall;

/// What a rank is waiting to do with a peer's channel.
struct wanted {
  std::uint32_t peer = 0;
  bool send = false;
  bool receive = false;
};

/// Why a group is at its end: whose fault it is, and what happened.
struct loss {
  std::uint32_t rank = 0;
  std::string why;
  /// It is through with what all were asked for: what it has sent may be all
  /// that is needed.
  bool gently = false;
};

/// What a rank that waits does before it sleeps.
struct patience {
  std::uint32_t looks = 0;  ///< one after the other
  std::uint32_t yields = 0; ///< then, with the processor left to others between
};

/// Processors of this host; asked of the system once, which takes long.
std::uint32_t processors() noexcept;

/// One rank's end of what joins the ranks of a group: a channel to each other
/// one, word of who is gone, and a place to sleep. Belongs to one thread.
class wire {
public:
  virtual ~wire() = default;

  virtual std::uint32_t rank() const noexcept = 0;
  virtual std::uint32_t ranks() const noexcept = 0;
  virtual channel& with(std::uint32_t peer) = 0;

  /// Whether somebody is gone, or has told of a trouble; looks each time.
  virtual std::optional<loss> look() = 0;
  /// Tells the others, who end with the same words.
  virtual void tell(const loss& what) noexcept = 0;
  /// Before a last look: whatever happens from here on ends the sleep.
  virtual void lie_down() {}
  /// Until a channel may move something, or somebody is gone, or some
  /// milliseconds have gone by.
  virtual void sleep(std::span<const wanted> what) = 0;
  /// Behind a sleep, or in its place.
  virtual void rise() {}
  virtual patience before_sleep() const noexcept = 0;

  /// Memory that all ranks see, if there is any.
  virtual hall* shared() noexcept { return nullptr; }
};

} // namespace troupe::collective
