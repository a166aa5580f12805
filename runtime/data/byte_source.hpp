#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace troupe::data {

/// Reads a file's content from its start, unpacking it on the way if it is
/// gzip's (RFC 1952; told by its first two bytes), all members of it. What is
/// unpacked goes straight to where it is wanted. Throws `bad_file`.
class byte_source {
public:
  /// `content` has to stay; `path` is what errors call it.
  byte_source(std::span<const std::byte> content, std::filesystem::path path);
  byte_source(const byte_source&) = delete;
  byte_source& operator=(const byte_source&) = delete;
  ~byte_source();

  const std::filesystem::path& path() const noexcept { return path_; }
  bool packed() const noexcept { return unpacking_ != nullptr; }
  /// Bytes read so far, unpacked.
  std::uint64_t offset() const noexcept { return offset_; }
  /// Bytes that may still come: exact for plain content, for packed the most
  /// that so few bytes can hold.
  std::uint64_t most_left() const noexcept;

  /// Fills `into`, or less at the end; returns how many bytes came.
  std::size_t read(std::span<std::byte> into);
  /// Checks that nothing is left, and gzip's checksum.
  void finish();

  /// Throws `bad_file` for the (unpacked) byte at `offset`.
  [[noreturn]] void refuse(
      std::uint64_t offset, const std::string& expected) const;

private:
  struct unpacking;

  std::size_t unpack(std::span<std::byte> into);
  bool begin_next_member();
  [[noreturn]] void refuse_packed(const std::string& expected) const;

  std::filesystem::path path_;
  std::span<const std::byte> content_; // not yet read or handed to zlib
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
  std::unique_ptr<unpacking> unpacking_;
};

} // namespace troupe::data
