#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocols/collective/operation.hpp"
#include "protocols/ids.hpp"

namespace troupe::collective {

/// Who wants to take part.
struct candidate {
  member_id member = 0;
  std::uint64_t incarnation = 0; ///< grows with every start of the member
  std::uint32_t wish = 0;        ///< ranks follow wishes, then members
  std::string device;            ///< gpu::identity(); no two alike

  template <class Inspector>
  friend bool inspect(Inspector& f, candidate& x) {
    return f.object(x).fields(f.field("member", x.member),
        f.field("incarnation", x.incarnation), f.field("wish", x.wish),
        f.field("device", x.device));
  }
};

/// Why a candidate may not take part. Append-only.
enum class refusal : std::uint8_t {
  stale_incarnation, ///< this start of the member is over
  device_taken,      ///< two ranks on one device: NCCL would refuse it
  given_up,          ///< there is nothing to join any more
};
inline constexpr std::uint8_t refusals = 3;
const char* to_string(refusal why) noexcept;

/// Why an epoch ended. Append-only.
enum class trouble : std::uint8_t {
  none,
  lost,              ///< a member is gone
  restarted,         ///< a member has started anew
  init_timeout,      ///< somebody did not join the communicator in time
  mismatch,          ///< members asked for different operations
  operation_timeout, ///< an operation did not end in time
  failed,            ///< NCCL, or whoever called it, reported an error
  regrouping,        ///< to let somebody in
  superseded,        ///< a later epoch has begun
  left,              ///< a member let go of it
};
inline constexpr std::uint8_t troubles = 10;
const char* to_string(trouble why) noexcept;

/// Why a declaration changed nothing.
enum class drop_reason : std::uint8_t {
  none,
  old_epoch, ///< it is over
  duplicate, ///< declared before
  unknown,   ///< no such epoch, or not a member of it
};
const char* to_string(drop_reason why) noexcept;

struct settings {
  std::uint32_t size = 1;  ///< members of a full epoch
  std::uint32_t least = 1; ///< that will do once `patience` is over
  duration patience = std::chrono::seconds{30}; ///< for those who are missing
  duration init_time = std::chrono::seconds{60};
  duration operation_time = std::chrono::seconds{60}; ///< first ask to last
  duration release_time = std::chrono::seconds{10};   ///< to let go of an epoch
  /// Epochs in a row that end in trouble before any operation is agreed on.
  std::uint32_t attempts = 3;

  template <class Inspector>
  friend bool inspect(Inspector& f, settings& x) {
    return f.object(x).fields(f.field("size", x.size),
        f.field("least", x.least), f.field("patience", x.patience),
        f.field("init_time", x.init_time),
        f.field("operation_time", x.operation_time),
        f.field("release_time", x.release_time),
        f.field("attempts", x.attempts));
  }
};

struct rejection {
  member_id member = 0;
  std::uint64_t incarnation = 0;
  refusal why = refusal::stale_incarnation;
  member_id other = 0; ///< who has the device
};

/// The member of rank 0 is to make a unique id.
struct naming {
  epoch_id epoch = 0;
  member_id member = 0;
};

/// Everybody is to join the communicator of this id.
struct formation {
  epoch_id epoch = 0;
  gpu::communicator_id id;
  std::vector<member_id> members; ///< by rank
};

/// Everybody is to abort what waits, let go, and say so.
struct dissolution {
  epoch_id epoch = 0;
  trouble why = trouble::none;
  member_id culprit = 0; ///< as far as one is known
  std::string text;      ///< who, which number, what
  std::vector<member_id> members;
};

/// What an ensemble wants done after an event, in this order. The caller
/// carries it out and clears it.
struct decisions {
  std::vector<rejection> rejected;
  std::optional<dissolution> dissolve;
  std::vector<member_id> lost; ///< did not let go in time: out of it
  std::optional<naming> name;
  std::optional<formation> form;
  std::optional<epoch_id> opened;      ///< all have joined
  std::optional<std::string> given_up; ///< no epoch will follow, and why
  std::optional<instant> wake;         ///< the next time that counts, if any

  void clear() { *this = {}; }
};

} // namespace troupe::collective
