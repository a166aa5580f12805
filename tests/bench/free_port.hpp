#pragma once

#include <cstdint>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::bench {

/// A port of the loopback that nobody listens at now.
inline std::uint16_t free_port() {
  const int on = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof where;
  auto* address = reinterpret_cast<sockaddr*>(&where);
  const bool found = on >= 0 && bind(on, address, sizeof where) == 0 &&
                     getsockname(on, address, &length) == 0;
  close(on);
  if (!found)
    throw std::runtime_error("there is no free port");
  return ntohs(where.sin_port);
}

} // namespace troupe::bench
