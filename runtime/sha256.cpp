#include "runtime/sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <new>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace troupe {

namespace {

using digest = std::array<unsigned char, 32>;

// Of a digest that OpenSSL always has, only memory can fail.
void check(bool done) {
  if (!done)
    throw std::bad_alloc{};
}

std::string text(const digest& of) {
  return fmt::format("{:02x}", fmt::join(of, ""));
}

} // namespace

std::string sha256(std::span<const std::byte> bytes) {
  digest result{};
  check(EVP_Digest(bytes.data(), bytes.size(), result.data(), nullptr,
            EVP_sha256(), nullptr) == 1);
  return text(result);
}

std::string sha256_of(files& disk, const std::filesystem::path& path) {
  auto file = disk.open(path);
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> so_far{
      EVP_MD_CTX_new(), EVP_MD_CTX_free};
  check(so_far && EVP_DigestInit_ex(so_far.get(), EVP_sha256(), nullptr) == 1);
  std::vector<std::byte> piece(std::size_t{1} << 20);
  for (auto came = piece.size(); came == piece.size();) {
    came = file.read(piece);
    check(EVP_DigestUpdate(so_far.get(), piece.data(), came) == 1);
  }
  digest result{};
  check(EVP_DigestFinal_ex(so_far.get(), result.data(), nullptr) == 1);
  return text(result);
}

} // namespace troupe
