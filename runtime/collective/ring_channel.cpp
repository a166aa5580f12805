#include "runtime/collective/ring_channel.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::collective {
namespace {

constexpr auto size = hall::ring_bytes;
// The peer begins with so much while this rank goes on with the next.
constexpr std::uint64_t piece = std::uint64_t{64} << 10;

std::size_t together(std::uint64_t at, std::uint64_t most) {
  return static_cast<std::size_t>(std::min({most, size - at % size, piece}));
}

} // namespace

ring_channel::ring_channel(hall& where, std::uint32_t rank, std::uint32_t peer)
    : out_(&where.head(rank, peer)),
      in_(&where.head(peer, rank)),
      out_bytes_(where.bytes(rank, peer)),
      in_bytes_(where.bytes(peer, rank)),
      theirs_(&where.of(peer).wakes) {}

std::size_t ring_channel::send(std::span<const std::byte> from) {
  const auto at = out_->written.load(std::memory_order_relaxed);
  const auto room = size - (at - out_->taken.load(std::memory_order_acquire));
  const auto some = together(at, std::min<std::uint64_t>(room, from.size()));
  if (some == 0)
    return 0;
  std::memcpy(out_bytes_ + at % size, from.data(), some);
  out_->written.store(at + some, std::memory_order_release);
  theirs_->ring();
  return some;
}

std::size_t ring_channel::receive(std::span<std::byte> to) {
  const auto at = in_->taken.load(std::memory_order_relaxed);
  const auto there = in_->written.load(std::memory_order_acquire) - at;
  const auto some = together(at, std::min<std::uint64_t>(there, to.size()));
  if (some == 0)
    return 0;
  std::memcpy(to.data(), in_bytes_ + at % size, some);
  in_->taken.store(at + some, std::memory_order_release);
  theirs_->ring();
  return some;
}

} // namespace troupe::collective
