#include "monitoring/exposer.hpp"

#include <cerrno>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <netdb.h>
#include <prometheus/exposer.h>
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
  const int error = getaddrinfo(
      where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found);
  if (error != 0)
    refuse(where,
        fmt::format(
            "host \"{}\" is unknown ({})", where.host, gai_strerror(error)),
        "use an address of this machine, as 127.0.0.1 or 0.0.0.0");
  return addresses{found};
}

std::string numeric(const addrinfo& address) {
  char host[NI_MAXHOST];
  if (getnameinfo(address.ai_addr, address.ai_addrlen, host, sizeof host,
          nullptr, 0, NI_NUMERICHOST) != 0)
    return {};
  return host;
}

/// Why nobody can listen there, by trying it: 0 if one could.
int bind_error(const addrinfo& address) {
  const int probe = socket(address.ai_family, address.ai_socktype, 0);
  if (probe < 0)
    return errno;
  const int on = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int failed = bind(probe, address.ai_addr, address.ai_addrlen);
  const int error = failed != 0 ? errno : 0;
  close(probe);
  return error;
}

[[noreturn]] void explain(
    const endpoint& where, int error, const std::string& otherwise) {
  const auto free_one = endpoint{where.host, 0}.text() + " takes a free port";
  switch (error) {
  case 0:
    refuse(where, otherwise, free_one);
  case EADDRINUSE:
    refuse(where, fmt::format("port {} is taken", where.port),
        "stop who uses it or choose another; " + free_one);
  case EACCES:
    refuse(where, fmt::format("port {} needs root", where.port),
        "choose one from 1024 on; " + free_one);
  case EADDRNOTAVAIL:
    refuse(where, fmt::format("{} is not this machine", where.host),
        "use an address of this machine, as 127.0.0.1 or 0.0.0.0");
  default:
    refuse(where, std::strerror(error), free_one);
  }
}

std::unique_ptr<prometheus::Exposer> listen(const endpoint& where) {
  const auto found = resolve(where);
  const endpoint at{numeric(*found), where.port};
  // The HTTP server says on stderr, or not at all, why it could not bind; the
  // socket says it here, before the server comes near the terminal.
  if (const int error = bind_error(*found))
    explain(where, error, {});
  try {
    return std::make_unique<prometheus::Exposer>(at.text(), 1);
  } catch (const std::exception& failure) {
    explain(where, bind_error(*found), failure.what());
  }
}

} // namespace

exposer::exposer(const endpoint& where, collectables what)
    : where_(where), what_(std::move(what)), server_(listen(where)) {
  for (const auto& collectable : what_)
    server_->RegisterCollectable(collectable);
  const auto ports = server_->GetListeningPorts();
  if (where_.port == 0 && !ports.empty())
    where_.port = static_cast<std::uint16_t>(ports.front());
}

exposer::~exposer() = default;

std::string exposer::url() const {
  return "http://" + where_.text() + "/metrics";
}

} // namespace troupe::monitoring
