#include "tests/monitoring/prometheus_server.hpp"

#include <cctype>
#include <chrono>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/monitoring/http_get.hpp"

namespace troupe::monitoring {

namespace {

std::string in_a_url(const std::string& text) {
  std::string result;
  for (const unsigned char c : text)
    result += std::isalnum(c) ? std::string(1, static_cast<char>(c))
                              : fmt::format("%{:02X}", c);
  return result;
}

double number_of(const nlohmann::json& sample) {
  return std::stod(sample.at("value").at(1).get<std::string>());
}

} // namespace

std::uint16_t free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  bind(probe, reinterpret_cast<sockaddr*>(&at), size);
  getsockname(probe, reinterpret_cast<sockaddr*>(&at), &size);
  close(probe);
  return ntohs(at.sin_port);
}

prometheus_server::prometheus_server(const std::string& text)
    : process_({"prometheus",
          "--config.file=" + files_.write("prometheus.yml", text),
          "--storage.tsdb.path=" + files_.path("tsdb"),
          fmt::format("--web.listen-address=127.0.0.1:{}", port_)}) {
  if (!process_.says("Server is ready", std::chrono::seconds{60}))
    throw std::runtime_error{process_.said()};
}

nlohmann::json prometheus_server::query(const std::string& expression) const {
  return get("/api/v1/query?query=" + in_a_url(expression)).at("result");
}

bool prometheus_server::has(const std::string& expression) const {
  for (const auto& sample : query(expression))
    if (!std::isnan(number_of(sample)))
      return true;
  return false;
}

double prometheus_server::value(const std::string& expression) const {
  const auto samples = query(expression);
  return samples.size() == 1 ? number_of(samples[0])
                             : std::numeric_limits<double>::quiet_NaN();
}

nlohmann::json prometheus_server::get(const std::string& path) const {
  return nlohmann::json::parse(http_get(port_, path)).at("data");
}

} // namespace troupe::monitoring
