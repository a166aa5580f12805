#pragma once

#include <array>
#include <cstddef>

#include "runtime/collective/stream_channel.hpp"
#include "runtime/files/descriptor.hpp"

namespace troupe::collective {

/// In the clear. What comes behind a span that is asked for is read along with
/// it, so that a short message and its head cost one call.
class plain_channel final : public stream_channel {
public:
  explicit plain_channel(descriptor socket);

  std::size_t send(std::span<const std::byte> from) override;
  std::size_t receive(std::span<std::byte> to) override;

  int socket() const noexcept override { return *socket_; }
  bool broken() const noexcept override { return broken_; }
  bool holds() const noexcept override { return first_ != last_; }

private:
  descriptor socket_;
  bool broken_ = false;
  std::array<std::byte, 4096> ahead_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;
};

} // namespace troupe::collective
