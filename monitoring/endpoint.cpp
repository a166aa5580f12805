#include "monitoring/endpoint.hpp"

#include <charconv>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

namespace troupe::monitoring {

namespace {

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw std::invalid_argument{fmt::format(
      "\"{}\" is no HOST:PORT, like 127.0.0.1:9464: {} (port 0 takes "
      "a free one)",
      text, why)};
}

std::uint16_t parse_port(std::string_view text, std::string_view port) {
  unsigned value = 0;
  const auto* end = port.data() + port.size();
  auto [stop, error] = std::from_chars(port.data(), end, value);
  if (port.empty() || stop != end || error != std::errc{} || value > 65535)
    refuse(text, fmt::format("port \"{}\" is not in 0 to 65535", port));
  return static_cast<std::uint16_t>(value);
}

} // namespace

endpoint endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']'))
    refuse(text, "it has no port");
  auto host = text.substr(0, colon);
  if (host.size() >= 2 && host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    refuse(text, "an IPv6 address wants brackets, as in [::1]:9464");
  if (host.empty())
    refuse(text, "it has no host");
  return {std::string{host}, parse_port(text, text.substr(colon + 1))};
}

std::string endpoint::text() const {
  if (host.find(':') != std::string::npos)
    return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

} // namespace troupe::monitoring
