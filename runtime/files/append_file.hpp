#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "runtime/files/descriptor.hpp"

namespace troupe {

class files;

/// A file that bytes are appended to. Closes itself; one thread at a time.
class append_file {
public:
  const std::filesystem::path& path() const noexcept { return path_; }
  std::uint64_t size() const noexcept { return size_; }

  void write(std::string_view bytes);
  /// Returns once everything written so far, and the file's name, is on the
  /// disk.
  void sync();
  /// Cuts the file to its first `size` bytes.
  void truncate(std::uint64_t size);

private:
  friend class files;
  append_file(files& owner, std::filesystem::path path, descriptor file,
      std::uint64_t size) noexcept;

  files* owner_;
  std::filesystem::path path_;
  descriptor file_;
  std::uint64_t size_;
  bool named_ = false; // for good, by a sync of its directory
};

} // namespace troupe
