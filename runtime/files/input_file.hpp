#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "runtime/files/descriptor.hpp"

namespace troupe {

class files;

/// A file that is read from its start. Closes itself; one thread at a time.
class input_file {
public:
  const std::filesystem::path& path() const noexcept { return path_; }
  /// Bytes in the file when it was opened.
  std::uint64_t size() const noexcept { return size_; }
  /// Bytes read so far.
  std::uint64_t offset() const noexcept { return offset_; }

  /// Goes on at byte `offset`, which may be behind the file's end.
  void go_to(std::uint64_t offset);
  /// Fills `into`, or less at the file's end; returns how many bytes came.
  std::size_t read(std::span<std::byte> into);

private:
  friend class files;
  input_file(files& owner, std::filesystem::path path, descriptor file,
      std::uint64_t size) noexcept;

  files* owner_;
  std::filesystem::path path_;
  descriptor file_;
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
};

} // namespace troupe
