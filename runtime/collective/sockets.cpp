#include "runtime/collective/sockets.hpp"

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

int left_until(deadline until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      until - std::chrono::steady_clock::now());
  return left.count() < 0 ? 0 : static_cast<int>(left.count()) + 1;
}

bool ready(int socket, short events, deadline until) {
  pollfd one{socket, events, 0};
  return retried([&] { return poll(&one, 1, left_until(until)); }) > 0;
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
  return descriptor{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
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

std::optional<descriptor> dial(endpoint where, deadline until) {
  const auto at = address_of(where);
  for (;;) {
    auto one = fresh();
    if (connect(*one, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) {
      tune(*one);
      return one;
    }
    if (left_until(until) == 0)
      return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

std::optional<descriptor> accept_one(int socket, deadline until) {
  if (!ready(socket, POLLIN, until))
    return std::nullopt;
  descriptor one{accept4(socket, nullptr, nullptr, SOCK_CLOEXEC)};
  if (*one < 0)
    return std::nullopt;
  tune(*one);
  return one;
}

bool put(int socket, std::span<const std::byte> what, deadline until) {
  while (!what.empty()) {
    if (!ready(socket, POLLOUT, until))
      return false;
    const auto gone = retried(
        [&] { return send(socket, what.data(), what.size(), MSG_NOSIGNAL); });
    if (gone <= 0)
      return false;
    what = what.subspan(static_cast<std::size_t>(gone));
  }
  return true;
}

bool get(int socket, std::span<std::byte> what, deadline until) {
  while (!what.empty()) {
    if (!ready(socket, POLLIN, until))
      return false;
    const auto came =
        retried([&] { return recv(socket, what.data(), what.size(), 0); });
    if (came <= 0)
      return false;
    what = what.subspan(static_cast<std::size_t>(came));
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
