#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/files/append_file.hpp"
#include "runtime/files/descriptor.hpp"
#include "runtime/files/file_error.hpp"
#include "runtime/files/file_fault.hpp"
#include "runtime/files/input_file.hpp"

namespace troupe {

/// Who may read a file that is written: whom the umask lets, or its owner.
enum class file_access : std::uint8_t { shared, secret };

/// A directory that no other process can lock meanwhile. The kernel unlocks it
/// when the process dies, however it does.
class directory_lock {
private:
  friend class files;
  explicit directory_lock(descriptor locked) noexcept
      : locked_(std::move(locked)) {}

  descriptor locked_;
};

/// The one seam for all file operations, so that a test can make the n-th one
/// fail, or kill the process there. Everything throws `file_error`.
///
/// A write that fails or is killed by a fault has written the first half of its
/// bytes, as a full disk or a crash would have it.
///
/// Thread-safe, but for two threads that write the same path. Outlives what it
/// opened.
class files {
public:
  /// Without faults, or with those that `hook` asks for.
  explicit files(file_hook hook = {});

  /// The process's own, with faults from the environment's TROUPE_FILE_FAULT.
  static files& system();

  /// Creates it if it is missing; its first `sync` makes that outlast a crash.
  append_file append(const std::filesystem::path& path);
  input_file open(const std::filesystem::path& path);
  std::string read_all(const std::filesystem::path& path);
  /// The same from byte `first` on; empty if there are no more.
  std::string read_from(const std::filesystem::path& path, std::uint64_t first);

  /// Replaces `path` by the concatenation of `parts`: whoever reads it, after a
  /// crash at any moment included, finds the old content or the new one.
  /// Writes PATH.tmp, syncs it, renames it and syncs the directory.
  void write_atomically(const std::filesystem::path& path,
      std::span<const std::span<const std::byte>> parts);
  void write_atomically(
      const std::filesystem::path& path, std::string_view content);
  /// The same, for nobody but the owner (mode 0600), the draft included, where
  /// `access` says so.
  void write_atomically(const std::filesystem::path& path,
      std::string_view content, file_access access);

  void rename(
      const std::filesystem::path& from, const std::filesystem::path& to);
  /// Returns whether there was such a file, or empty directory.
  bool remove(const std::filesystem::path& path);
  /// Makes renames and removals in `directory` outlast a crash.
  void sync_directory(const std::filesystem::path& directory);
  /// With all missing parents; existing ones are fine. What is made outlasts a
  /// crash, unless the directory above it may not be read.
  void make_directories(const std::filesystem::path& directory);
  /// Names in `directory`, sorted.
  std::vector<std::string> list(const std::filesystem::path& directory);
  /// Nothing if somebody else has locked `directory`. A file system that knows
  /// no locks grants them to everybody.
  std::optional<directory_lock> lock(const std::filesystem::path& directory);
  /// The process that has locked `directory`; 0: none, or it cannot be told.
  static long holder(const std::filesystem::path& directory);
  /// Asks without counting: nothing that it answers can be half done.
  static bool exists(const std::filesystem::path& path) noexcept;

  /// Operations so far.
  std::uint64_t count() const noexcept { return in_all_; }
  std::uint64_t count(file_operation what) const noexcept {
    return of_kind_[static_cast<std::size_t>(what)];
  }

private:
  friend class append_file;
  friend class input_file;

  void write_atomically(const std::filesystem::path& path,
      std::span<const std::span<const std::byte>> parts, file_access access);
  // Counts, asks the hook, and does what it says unless that needs a write.
  file_fault step(file_operation what, const std::filesystem::path& path);
  void write(const descriptor& file, const std::filesystem::path& path,
      std::span<const std::byte> bytes);
  void sync(const descriptor& file, const std::filesystem::path& path);
  void sync_name(const std::filesystem::path& path);

  file_hook hook_;
  std::atomic<std::uint64_t> in_all_ = 0;
  std::array<std::atomic<std::uint64_t>, file_operations> of_kind_{};
};

} // namespace troupe
