#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::monitoring {

/// Where to listen: HOST:PORT, HOST being a name, an IPv4 address or an IPv6
/// address in brackets. Port 0 asks for any free one.
struct endpoint {
  std::string host; ///< without brackets
  std::uint16_t port = 0;

  /// Throws std::invalid_argument that says what is wrong with `text`.
  static endpoint parse(std::string_view text);

  std::string text() const; ///< as `parse` takes it
};

} // namespace troupe::monitoring
