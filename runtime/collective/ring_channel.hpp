#pragma once

#include <memory>

#include "runtime/collective/channel.hpp"
#include "runtime/collective/hall.hpp"

namespace troupe::collective {

/// A channel to a rank that sees the same memory: a ring of bytes for each
/// direction. The peer's bell is rung when something has moved.
class ring_channel final : public channel {
public:
  ring_channel(hall& where, std::uint32_t rank, std::uint32_t peer);

  std::size_t send(std::span<const std::byte> from) override;
  std::size_t receive(std::span<std::byte> to) override;

private:
  hall::ring* out_;
  hall::ring* in_;
  std::byte* out_bytes_;
  std::byte* in_bytes_;
  bell* theirs_;
};

} // namespace troupe::collective
