#include "runtime/record/sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <new>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace troupe {

namespace {

using digest_bytes = std::array<unsigned char, 32>;

// Of a digest that OpenSSL always has, only memory can fail.
void expect(int done) {
  if (done != 1)
    throw std::bad_alloc{};
}

std::string hexadecimal(const digest_bytes& digest) {
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

} // namespace

std::string sha256(std::span<const std::byte> bytes) {
  digest_bytes digest{};
  expect(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr,
      EVP_sha256(), nullptr));
  return hexadecimal(digest);
}

std::string sha256_of(files& disk, const std::filesystem::path& path) {
  auto file = disk.open(path);
  sha256_stream so_far;
  std::vector<std::byte> piece(std::size_t{1} << 20);
  for (auto came = piece.size(); came == piece.size();) {
    came = file.read(piece);
    so_far.take(std::span{piece}.first(came));
  }
  return so_far.digest();
}

void sha256_stream::release::operator()(EVP_MD_CTX* context) const noexcept {
  EVP_MD_CTX_free(context);
}

sha256_stream::sha256_stream() : context_(EVP_MD_CTX_new()) {
  if (!context_)
    throw std::bad_alloc{};
  expect(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void sha256_stream::take(std::span<const std::byte> bytes) {
  expect(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

std::string sha256_stream::digest() {
  digest_bytes digest{};
  expect(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
  return hexadecimal(digest);
}

} // namespace troupe
