#include "monitoring/listening_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::monitoring {

namespace {

struct free_addresses {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};
using addresses = std::unique_ptr<addrinfo, free_addresses>;

[[noreturn]] void refuse(
    const endpoint& where, const std::string& why, const std::string& way_out) {
  throw std::runtime_error{fmt::format(
      "cannot serve metrics at {}: {}; {}", where.text(), why, way_out)};
}

addresses resolve(const endpoint& where) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto port = std::to_string(where.port);
  int error = getaddrinfo(where.host.c_str(), port.c_str(), &hints, &found);
  // A bare machine has no file of hosts.
  if (error != 0 && where.host == "localhost")
    error = getaddrinfo("127.0.0.1", port.c_str(), &hints, &found);
  if (error != 0)
    refuse(where,
        fmt::format(
            "host \"{}\" is unknown ({})", where.host, gai_strerror(error)),
        "use an address of this machine, as 127.0.0.1 or 0.0.0.0");
  return addresses{found};
}

// Scrapers are mostly told IPv4 addresses; a name has both kinds.
std::vector<const addrinfo*> in_order(const addresses& found) {
  std::vector<const addrinfo*> result;
  for (const auto* one = found.get(); one; one = one->ai_next)
    result.push_back(one);
  std::stable_partition(result.begin(), result.end(),
      [](const addrinfo* one) { return one->ai_family == AF_INET; });
  return result;
}

// 0, or what the system has against it; `descriptor` is the caller's to close.
int listen_at(const addrinfo& address, int& descriptor) {
  descriptor = socket(address.ai_family,
      address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol);
  if (descriptor < 0)
    return errno;
  const int on = 1;
  const int off = 0;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ai_family == AF_INET6)
    setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(descriptor, address.ai_addr, address.ai_addrlen) != 0 ||
      listen(descriptor, SOMAXCONN) != 0)
    return errno;
  return 0;
}

[[noreturn]] void explain(const endpoint& where, int error) {
  const auto free_one = endpoint{where.host, 0}.text() + " takes a free port";
  switch (error) {
  case EADDRINUSE:
    refuse(where, fmt::format("port {} is taken", where.port),
        "stop who uses it or choose another; " + free_one);
  case EACCES:
    refuse(where, fmt::format("port {} needs root", where.port),
        "choose one from 1024 on; " + free_one);
  case EADDRNOTAVAIL:
    refuse(where, fmt::format("{} is not this machine", where.host),
        "use an address of this machine, as 127.0.0.1 or 0.0.0.0");
  case EAFNOSUPPORT:
    refuse(where, "this machine has no such addresses",
        "use an address of this machine, as 127.0.0.1 or 0.0.0.0");
  default:
    refuse(where, std::strerror(error), free_one);
  }
}

std::uint16_t port_of(int descriptor) {
  sockaddr_storage at{};
  socklen_t size = sizeof at;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&at), &size);
  return ntohs(at.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(at).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(at).sin_port);
}

} // namespace

listening_socket::listening_socket(const endpoint& where) {
  const auto found = resolve(where);
  int first_error = 0;
  for (const auto* address : in_order(found)) {
    const int error = listen_at(*address, descriptor_);
    if (error == 0) {
      port_ = port_of(descriptor_);
      v6_ = address->ai_family == AF_INET6;
      return;
    }
    if (descriptor_ >= 0)
      close(std::exchange(descriptor_, -1));
    first_error = first_error == 0 ? error : first_error;
    // Another of the name's addresses may be this machine's; a port that is
    // taken is taken.
    if (error != EADDRNOTAVAIL && error != EAFNOSUPPORT)
      break;
  }
  explain(where, first_error);
}

listening_socket::~listening_socket() {
  if (descriptor_ >= 0)
    close(descriptor_);
}

} // namespace troupe::monitoring
