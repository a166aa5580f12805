#pragma once

#include <cstdint>
#include <string>

#include "monitoring/endpoint.hpp"

namespace troupe::monitoring {

/// A connection to a numeric address, byte by byte. What takes longer than 10 s
/// throws std::runtime_error, like everything else that fails.
class http_connection {
public:
  explicit http_connection(const endpoint& to);
  ~http_connection();
  http_connection(http_connection&& other) noexcept;
  http_connection& operator=(http_connection&&) = delete;

  void write(const std::string& text);
  std::string read_all(); ///< until the other side closes

private:
  int socket_ = -1;
};

/// The whole answer to `request`, status and headers included.
std::string http_answer(const endpoint& where, const std::string& request);

/// The body that is answered to GET `path`, status and headers stripped. Throws
/// std::runtime_error when nobody answers within 10 s or the status is not 200.
std::string http_get(const endpoint& where, const std::string& path);
/// The same of 127.0.0.1.
std::string http_get(std::uint16_t port, const std::string& path);

} // namespace troupe::monitoring
