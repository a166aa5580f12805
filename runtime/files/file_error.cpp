#include "runtime/files/file_error.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

namespace troupe {

namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, file_operations> names{"open", "read",
    "write", "truncate", "sync", "rename", "remove", "list", "make_directory",
    "lock"};

constexpr std::array<const char*, file_operations> verbs{"open", "read",
    "write", "shorten", "sync", "rename", "remove", "list",
    "make the directory", "lock"};

bool writes(file_operation what) noexcept {
  return what != file_operation::read && what != file_operation::list &&
         what != file_operation::lock;
}

const char* way_out(file_operation what, int reason) noexcept {
  switch (reason) {
  case ENOSPC:
  case EDQUOT:
    return "free some space and run again with --resume";
  case EACCES:
  case EPERM:
    return "check its permissions and those of its directory";
  case EROFS:
    return "choose a directory that can be written to";
  case ENOENT:
    return "check the path";
  case EMFILE:
  case ENFILE:
    return "allow more open files (ulimit -n)";
  case EIO:
    return writes(what) ? "check the disk, then run again with --resume"
                        : "check the disk";
  default:
    return "";
  }
}

} // namespace

const char* to_string(file_operation what) noexcept {
  return names[static_cast<std::size_t>(what)];
}

file_error::file_error(fs::path path, file_operation operation, int reason)
    : file_error(
          std::move(path), operation, reason, way_out(operation, reason)) {}

file_error::file_error(fs::path path, file_operation operation, int reason,
    const std::string& hint)
    : std::runtime_error(fmt::format("{}: cannot {}: {}{}{}", path.string(),
          verbs[static_cast<std::size_t>(operation)],
          std::generic_category().message(reason), hint.empty() ? "" : "; ",
          hint)),
      path_(std::move(path)),
      operation_(operation),
      reason_(reason) {}

bad_file::bad_file(
    fs::path path, std::uint64_t offset, const std::string& expected)
    : std::runtime_error(fmt::format(
          "{}: byte {}: expected {}", path.string(), offset, expected)),
      path_(std::move(path)),
      offset_(offset) {}

bad_file::bad_file(const bad_file& cause, const std::string& way_out)
    : std::runtime_error(fmt::format("{}. {}", cause.what(), way_out)),
      path_(cause.path()),
      offset_(cause.offset()) {}

} // namespace troupe
