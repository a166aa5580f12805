#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "runtime/files.hpp"

namespace troupe {

/// The SHA-256 digest (FIPS 180-4) in 64 lower-case hexadecimal digits.
std::string sha256(std::span<const std::byte> bytes);

/// The same of a file's content, as `sha256sum` prints it.
std::string sha256_of(files& disk, const std::filesystem::path& path);

} // namespace troupe
