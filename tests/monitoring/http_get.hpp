#pragma once

#include <cstdint>
#include <string>

namespace troupe::monitoring {

/// The body that 127.0.0.1:port answers to GET `path`, status and headers
/// stripped. Throws std::runtime_error when nobody answers within 10 s or the
/// status is not 200.
std::string http_get(std::uint16_t port, const std::string& path);

} // namespace troupe::monitoring
