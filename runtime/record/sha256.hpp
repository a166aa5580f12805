#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "runtime/files/files.hpp"

struct evp_md_ctx_st; // OpenSSL's

namespace troupe {

/// The SHA-256 digest (FIPS 180-4) in 64 lower-case hexadecimal digits.
std::string sha256(std::span<const std::byte> bytes);

/// The same of a file's content, as `sha256sum` prints it.
std::string sha256_of(files& disk, const std::filesystem::path& path);

/// The same of bytes that come one after the other.
class sha256_stream {
public:
  sha256_stream();

  void take(std::span<const std::byte> bytes);
  /// Of all that was taken; nothing can be taken any more.
  std::string digest();

private:
  struct release {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, release> context_;
};

} // namespace troupe
