#include "runtime/collective/stream_wire.hpp"

#include <utility>

#include <poll.h>

namespace troupe::collective {
namespace {

constexpr int moment = 100; // milliseconds

} // namespace

stream_wire::stream_wire(std::uint32_t rank, streams channels, streams lines)
    : rank_(rank),
      channels_(std::move(channels)),
      lines_(rank, std::move(lines)) {}

stream_wire::~stream_wire() {
  tell({rank_, "it has left", true});
}

std::optional<loss> stream_wire::look() {
  return lines_.look();
}

void stream_wire::tell(const loss& what) noexcept {
  if (!std::exchange(told_, true))
    lines_.tell(what);
}

// Two looks where others need the processor.
patience stream_wire::before_sleep() const noexcept {
  return {ranks() <= processors() ? 2000u : 2u, 0};
}

void stream_wire::sleep(std::span<const wanted> what) {
  std::vector<pollfd> all;
  for (const auto& each : what) {
    const auto& to = *channels_[each.peer];
    if (each.receive && to.holds())
      return;
    const auto events = (each.send ? POLLOUT : 0) | (each.receive ? POLLIN : 0);
    // A broken socket is always ready; its lifeline says why it is.
    if (!to.broken() && events != 0)
      all.push_back({to.socket(), static_cast<short>(events), 0});
  }
  for (std::uint32_t peer = 0; peer < ranks(); ++peer)
    if (peer != rank_ && !lines_.ended(peer))
      all.push_back({lines_.of(peer), POLLIN, 0});
  poll(all.data(), all.size(), moment);
}

} // namespace troupe::collective
