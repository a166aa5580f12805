#pragma once

#include <array>
#include <cstddef>

#include "runtime/collective/channel.hpp"
#include "runtime/files/descriptor.hpp"

namespace troupe::collective {

/// A channel over a connected stream socket. What comes behind a span that is
/// asked for is read along with it, so that a short message and its head cost
/// one call.
class stream_channel final : public channel {
public:
  explicit stream_channel(descriptor socket);

  std::size_t send(std::span<const std::byte> from) override;
  std::size_t receive(std::span<std::byte> to) override;

  int socket() const noexcept { return *socket_; }
  bool broken() const noexcept { return broken_; }
  /// Bytes that poll(2) does not know of.
  bool holds() const noexcept { return first_ != last_; }

private:
  descriptor socket_;
  bool broken_ = false;
  std::array<std::byte, 4096> ahead_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;
};

} // namespace troupe::collective
