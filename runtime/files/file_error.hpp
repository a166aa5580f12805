#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace troupe {

/// What can be done to files; each is one countable step.
enum class file_operation : std::uint8_t {
  open,
  read,
  write,
  truncate,
  sync, ///< of a file or a directory
  rename,
  remove,
  list,
  make_directory,
  lock, ///< of a directory
};
inline constexpr std::size_t file_operations = 10;

const char* to_string(file_operation what) noexcept;

/// The system refused. Says which file, what was tried, why, and what to do:
/// "runs/a/facts.jsonl: cannot write: No space left on device; free some space
/// and run again with --resume".
class file_error : public std::runtime_error {
public:
  file_error(std::filesystem::path path, file_operation operation, int reason);
  /// The same with a way out of the caller's own.
  file_error(std::filesystem::path path, file_operation operation, int reason,
      const std::string& hint);

  const std::filesystem::path& path() const noexcept { return path_; }
  file_operation operation() const noexcept { return operation_; }
  /// From `errno`, in the generic category.
  std::error_code reason() const noexcept {
    return {reason_, std::generic_category()};
  }

private:
  std::filesystem::path path_;
  file_operation operation_;
  int reason_;
};

/// A file that was read without trouble and does not hold what it should:
/// "model.safetensors: byte 8: expected a header of 92 bytes, the file ends".
class bad_file : public std::runtime_error {
public:
  /// `expected` goes on after that word.
  bad_file(std::filesystem::path path, std::uint64_t offset,
      const std::string& expected);
  /// The same as `cause`, and what to do about it.
  bad_file(const bad_file& cause, const std::string& way_out);

  const std::filesystem::path& path() const noexcept { return path_; }
  /// The byte at which the trouble was noticed.
  std::uint64_t offset() const noexcept { return offset_; }

private:
  std::filesystem::path path_;
  std::uint64_t offset_;
};

} // namespace troupe
