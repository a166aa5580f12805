#include "monitoring/exposer.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <future>
#include <stdexcept>
#include <tuple>
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

/// The same place with an address for a host, once somebody can listen there.
endpoint bindable(const endpoint& where) {
  const auto found = resolve(where);
  // The HTTP server does not say why it could not bind; the socket does.
  if (const int error = bind_error(*found))
    explain(where, error, {});
  return {numeric(*found), where.port};
}

std::unique_ptr<prometheus::Exposer> listen(
    const endpoint& where, const endpoint& bound) {
  const std::vector<std::string> options{"listening_ports", bound.text(),
      "num_threads", "2", "request_timeout_ms", "5000"};
  try {
    return std::make_unique<prometheus::Exposer>(options);
  } catch (const std::exception& failure) {
    explain(where, bind_error(*resolve(where)), failure.what());
  }
}

void knock(const endpoint& where) {
  const auto found = resolve(where);
  const int visitor = socket(found->ai_family, found->ai_socktype, 0);
  if (visitor < 0)
    return;
  // Whether somebody answers or not, the knock has been heard.
  std::ignore = connect(visitor, found->ai_addr, found->ai_addrlen);
  close(visitor);
}

} // namespace

exposer::exposer(const endpoint& where, collectables what)
    : where_(where),
      bound_(bindable(where)),
      what_(std::move(what)),
      server_(listen(where, bound_)) {
  for (const auto& collectable : what_)
    server_->RegisterCollectable(collectable);
  const auto ports = server_->GetListeningPorts();
  if (where_.port == 0 && !ports.empty())
    where_.port = bound_.port = static_cast<std::uint16_t>(ports.front());
}

// The HTTP server looks up from its socket every two seconds, or when somebody
// comes; a run should not take two seconds to end.
exposer::~exposer() {
  auto closed = std::async(std::launch::async, [this] { server_.reset(); });
  while (closed.wait_for(std::chrono::milliseconds{10}) ==
         std::future_status::timeout)
    knock(bound_);
}

std::string exposer::url() const {
  return "http://" + where_.text() + "/metrics";
}

} // namespace troupe::monitoring
