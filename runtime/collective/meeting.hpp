#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>

#include "runtime/collective/tls_channel.hpp"
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

/// What a rank goes by when it meets the others.
struct appointment {
  std::chrono::milliseconds patience{std::chrono::seconds{60}};
  /// Ends the wait within 100 ms: `meeting_called_off`.
  std::stop_token stop{};
  /// One place sees many meetings: who comes to an earlier one is sent away,
  /// who comes to a later one comes again.
  std::uint64_t number = 0;
  /// All that ranks say and move goes under TLS, with certificates that both
  /// ends verify; nothing but the memory of a host does not.
  credentials by{};

  appointment() = default;
  template <class Rep, class Period>
  appointment(std::chrono::duration<Rep, Period> most) : patience(most) {}
};

/// `appointment::stop` was asked for before all had come.
class meeting_called_off : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// How ranks of several processes come to know each other; some may be threads
/// of one.
///
///     rank 0 listens ◄── all others say who they are, and where they listen
///            └──► tells all of them where the others are, and hands over
///                 the memory that they share
///     then each dials those of lower rank: two sockets a pair
///
/// Whoever connects and is no rank of this group is sent away, and named if it
/// may be one by mistake: another number of ranks, a rank that has come, a
/// certificate that is not trusted. A rank that dies before all have come may
/// come again; one that dies later ends the meeting at once. Throws
/// `std::runtime_error` that says who did not come within `patience`.
std::unique_ptr<wire> meet_as_first(
    meeting_place& at, std::uint32_t ranks, medium by, const appointment& when);
std::unique_ptr<wire> meet(const std::string& address, std::uint32_t rank,
    std::uint32_t ranks, const appointment& when);

} // namespace troupe::collective
