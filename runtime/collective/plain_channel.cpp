#include "runtime/collective/plain_channel.hpp"

#include <algorithm>
#include <cstring>

#include <sys/socket.h>
#include <sys/uio.h>

namespace troupe::collective {
namespace {

// A piece stays in cache while it is copied into the kernel and out of it.
constexpr std::size_t piece = std::size_t{256} << 10;

bool later() {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

} // namespace

plain_channel::plain_channel(descriptor socket) : socket_(std::move(socket)) {}

std::size_t plain_channel::send(std::span<const std::byte> from) {
  if (broken_ || from.empty())
    return 0;
  const auto gone = retried([&] {
    return ::send(*socket_, from.data(), std::min(from.size(), piece),
        MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  broken_ = gone < 0 && !later();
  return gone > 0 ? static_cast<std::size_t>(gone) : 0;
}

std::size_t plain_channel::receive(std::span<std::byte> to) {
  if (to.empty())
    return 0;
  if (holds()) {
    const auto some = std::min(to.size(), last_ - first_);
    std::memcpy(to.data(), ahead_.data() + first_, some);
    first_ += some;
    return some;
  }
  if (broken_)
    return 0;
  const auto most = std::min(to.size(), piece);
  const iovec places[]{{to.data(), most}, {ahead_.data(), ahead_.size()}};
  msghdr what{};
  what.msg_iov = const_cast<iovec*>(places);
  what.msg_iovlen = most == to.size() ? 2 : 1;
  const auto came =
      retried([&] { return recvmsg(*socket_, &what, MSG_DONTWAIT); });
  if (came <= 0) {
    broken_ = came == 0 || !later();
    return 0;
  }
  const auto all = static_cast<std::size_t>(came);
  first_ = 0;
  last_ = all > most ? all - most : 0;
  return std::min(all, most);
}

} // namespace troupe::collective
