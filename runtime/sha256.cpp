#include "runtime/sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <new>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace troupe {

std::string sha256(std::span<const std::byte> bytes) {
  std::array<unsigned char, 32> digest{};
  // Of a digest that OpenSSL always has, only memory can fail.
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr,
          EVP_sha256(), nullptr) != 1)
    throw std::bad_alloc{};
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

} // namespace troupe
