#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "runtime/collective/wire.hpp"
#include "runtime/files/descriptor.hpp"

namespace troupe::collective {

/// What joins ranks of several processes.
enum class medium : std::uint8_t {
  tcp,
  memory, ///< of one host
};

/// Where the other ranks find rank 0: it listens from its construction on.
class meeting_place {
public:
  /// "HOST:PORT"; port 0 takes any that is free. Throws `std::system_error`
  /// with the address in it.
  explicit meeting_place(const std::string& address);

  /// With the port that was taken.
  const std::string& address() const noexcept { return address_; }

private:
  friend class meeting;
  descriptor socket_;
  std::string address_;
};

/// How ranks of several processes come to know each other.
///
///     rank 0 listens ◄── all others say who they are, and where they listen
///            └──► tells all of them where the others are, and which memory
///     then each dials those of lower rank: two sockets a pair
///
/// Whoever connects and is no rank of this group is sent away, and named if it
/// may be one by mistake: another number of ranks, a rank that has come. Throws
/// `std::runtime_error` that says who did not come within `patience`.
std::unique_ptr<wire> meet_as_first(meeting_place& at, std::uint32_t ranks,
    medium by, std::chrono::milliseconds patience);
std::unique_ptr<wire> meet(const std::string& address, std::uint32_t rank,
    std::uint32_t ranks, std::chrono::milliseconds patience);

} // namespace troupe::collective
