#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "runtime/files/file_error.hpp"

namespace troupe {

/// A disk that forgets, when its power fails, all that was not synced: the
/// worst that POSIX allows. A file's bytes last from its `sync` on, its name,
/// its renaming and its removal from that of its directory on, and a directory
/// from that of the one above.
///
/// What was there before a directory was first worked in counts as lasting.
/// Holds a copy of every file below such directories: for tests. Thread-safe.
class power_loss {
public:
  /// To be told of each operation before it happens.
  void see(file_operation what, const std::filesystem::path& path);

  /// Takes back what would not have lasted, and kills the process.
  [[noreturn]] void strike();

private:
  using bytes = std::shared_ptr<std::string>;
  using names = std::map<std::string, bytes>;

  void adopt(const std::filesystem::path& directory);
  void keep_names(const std::filesystem::path& directory);
  void forget(const std::filesystem::path& file);
  bytes& of(const std::filesystem::path& file);

  std::mutex guard_;
  std::map<std::uint64_t, bytes> files_; ///< by inode: what would be left
  std::map<std::filesystem::path, names> directories_; ///< what they would hold
  std::set<std::filesystem::path> unnamed_; ///< made, and not yet lasting
};

} // namespace troupe
