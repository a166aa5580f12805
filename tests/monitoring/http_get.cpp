#include "tests/monitoring/http_get.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace troupe::monitoring {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error{std::string{what} + ": " + std::strerror(errno)};
}

} // namespace

http_connection::http_connection(const endpoint& to) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* at = nullptr;
  if (getaddrinfo(
          to.host.c_str(), std::to_string(to.port).c_str(), &hints, &at) != 0)
    throw std::runtime_error{to.host + " is no address"};
  socket_ = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval patience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const int failed = connect(socket_, at->ai_addr, at->ai_addrlen);
  freeaddrinfo(at);
  if (failed != 0) {
    close(socket_);
    fail("connect");
  }
}

http_connection::~http_connection() {
  if (socket_ >= 0)
    close(socket_);
}

http_connection::http_connection(http_connection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)) {}

void http_connection::write(const std::string& text) {
  if (send(socket_, text.data(), text.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(text.size()))
    fail("send");
}

std::string http_connection::read_all() {
  std::string result;
  char buffer[4096];
  for (;;) {
    const auto n = recv(socket_, buffer, sizeof buffer, 0);
    if (n < 0)
      fail("recv");
    if (n == 0)
      return result;
    result.append(buffer, static_cast<std::size_t>(n));
  }
}

std::string http_answer(const endpoint& where, const std::string& request) {
  http_connection to{where};
  to.write(request);
  return to.read_all();
}

std::string http_get(const endpoint& where, const std::string& path) {
  const auto answer = http_answer(
      where, "GET " + path + " HTTP/1.0\r\nHost: " + where.text() + "\r\n\r\n");
  const auto body = answer.find("\r\n\r\n");
  if (answer.rfind("HTTP/1.", 0) != 0 || answer.substr(9, 3) != "200" ||
      body == std::string::npos)
    throw std::runtime_error{
        path + " answered: " + answer.substr(0, answer.find("\r\n"))};
  return answer.substr(body + 4);
}

std::string http_get(std::uint16_t port, const std::string& path) {
  return http_get(endpoint{"127.0.0.1", port}, path);
}

} // namespace troupe::monitoring
