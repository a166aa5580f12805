#include "runtime/collective/sockets.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace troupe::collective {
namespace {

sockaddr_in address_of(const endpoint& x) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = x.host;
  result.sin_port = x.port;
  return result;
}

constexpr auto moment = std::chrono::milliseconds{50};

bool over(const bounds& within) {
  if (within.stop.stop_requested())
    throw called_off{};
  return std::chrono::steady_clock::now() >= within.until;
}

int next_look(const bounds& within) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      within.until - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp(left, left.zero(), moment).count());
}

template <class Call>
endpoint end_of(int socket, Call&& call) {
  sockaddr_in at{};
  socklen_t size = sizeof at;
  if (call(socket, reinterpret_cast<sockaddr*>(&at), &size) < 0)
    return {};
  return {at.sin_addr.s_addr, at.sin_port};
}

descriptor fresh() {
  return descriptor{
      socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

} // namespace

endpoint endpoint_of(const std::string& address) {
  const auto colon = address.rfind(':');
  const auto bad = [&](const std::string& why) {
    return std::runtime_error{
        fmt::format("\"{}\" is no HOST:PORT: {}", address, why)};
  };
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size())
    throw bad("it needs both");
  addrinfo wish{};
  wish.ai_family = AF_INET;
  wish.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const auto error = getaddrinfo(address.substr(0, colon).c_str(),
          address.substr(colon + 1).c_str(), &wish, &found))
    throw bad(gai_strerror(error));
  sockaddr_in first{};
  std::memcpy(&first, found->ai_addr, sizeof first);
  freeaddrinfo(found);
  return {first.sin_addr.s_addr, first.sin_port};
}

std::string to_string(const endpoint& x) {
  char text[INET_ADDRSTRLEN] = {};
  const in_addr host{x.host};
  inet_ntop(AF_INET, &host, text, sizeof text);
  return fmt::format("{}:{}", text, ntohs(x.port));
}

descriptor listen_at(endpoint where) {
  auto result = fresh();
  const int yes = 1;
  setsockopt(*result, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const auto at = address_of(where);
  if (bind(*result, reinterpret_cast<const sockaddr*>(&at), sizeof at) < 0 ||
      listen(*result, 128) < 0)
    throw std::system_error{errno, std::generic_category(),
        fmt::format("cannot listen at {}", to_string(where))};
  return result;
}

endpoint own_end(int socket) {
  return end_of(socket, getsockname);
}
endpoint other_end(int socket) {
  return end_of(socket, getpeername);
}

bounds bounds::sooner(std::chrono::milliseconds most) const {
  return {
      std::min(until, std::chrono::steady_clock::now() + most), stop, lines};
}

// Who has left is noticed before who comes in his place.
bool ready(int socket, short events, const bounds& within) {
  std::vector<pollfd> all{{socket, events, 0}};
  for (auto line : within.lines)
    all.push_back({line, POLLRDHUP, 0});
  for (;;) {
    const bool last = over(within);
    const auto found = retried(
        [&] { return poll(all.data(), all.size(), next_look(within)); });
    for (std::size_t i = 1; found > 0 && i < all.size(); ++i)
      if (all[i].revents != 0)
        throw line_ended{all[i].fd};
    if (found > 0 && all.front().revents != 0)
      return true;
    if (last)
      return false;
  }
}

namespace {

bool connects(int socket, const sockaddr_in& at, const bounds& within) {
  if (connect(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0)
    return true;
  if (errno != EINPROGRESS || !ready(socket, POLLOUT, within))
    return false;
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
         error == 0;
}

} // namespace

std::optional<descriptor> dial(endpoint where, const bounds& within) {
  const auto at = address_of(where);
  while (!over(within)) {
    auto one = fresh();
    if (connects(*one, at, within)) {
      tune(*one);
      return one;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return std::nullopt;
}

std::optional<descriptor> accept_one(int socket, const bounds& within) {
  while (!over(within) && ready(socket, POLLIN, within)) {
    descriptor one{
        accept4(socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (*one >= 0) {
      tune(*one);
      return one;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
      throw std::system_error{
          errno, std::generic_category(), "cannot take a connection"};
  }
  return std::nullopt;
}

bool put(
    stream_channel& to, std::span<const std::byte> what, const bounds& within) {
  while (!what.empty()) {
    const auto gone = to.send(what);
    what = what.subspan(gone);
    if (gone == 0 && (to.broken() || !ready(to.socket(), POLLOUT, within)))
      return false;
  }
  return true;
}

bool get(
    stream_channel& from, std::span<std::byte> what, const bounds& within) {
  while (!what.empty()) {
    const auto came = from.receive(what);
    what = what.subspan(came);
    if (came == 0 && (from.broken() || !ready(from.socket(), POLLIN, within)))
      return false;
  }
  return true;
}

void tune(int socket) {
  const int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (own_end(socket).host == other_end(socket).host)
    setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}

} // namespace troupe::collective
