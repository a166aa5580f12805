#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace troupe {

/// The SHA-256 digest (FIPS 180-4) in 64 lower-case hexadecimal digits.
std::string sha256(std::span<const std::byte> bytes);

} // namespace troupe
