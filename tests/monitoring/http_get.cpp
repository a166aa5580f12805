#include "tests/monitoring/http_get.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace troupe::monitoring {

namespace {

class connection {
public:
  explicit connection(std::uint16_t port)
      : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      close(socket_);
      throw std::runtime_error{std::string{"connect: "} + strerror(errno)};
    }
  }
  ~connection() { close(socket_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void write(const std::string& text) {
    if (send(socket_, text.data(), text.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(text.size()))
      throw std::runtime_error{std::string{"send: "} + strerror(errno)};
  }

  std::string read_all() {
    std::string result;
    char buffer[4096];
    for (;;) {
      const auto n = recv(socket_, buffer, sizeof buffer, 0);
      if (n < 0)
        throw std::runtime_error{std::string{"recv: "} + strerror(errno)};
      if (n == 0)
        return result;
      result.append(buffer, static_cast<std::size_t>(n));
    }
  }

private:
  int socket_;
};

} // namespace

std::string http_get(std::uint16_t port, const std::string& path) {
  connection to{port};
  to.write("GET " + path + " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
  const auto answer = to.read_all();
  const auto body = answer.find("\r\n\r\n");
  if (answer.rfind("HTTP/1.", 0) != 0 || answer.substr(9, 3) != "200" ||
      body == std::string::npos)
    throw std::runtime_error{
        path + " answered: " + answer.substr(0, answer.find("\r\n"))};
  return answer.substr(body + 4);
}

} // namespace troupe::monitoring
