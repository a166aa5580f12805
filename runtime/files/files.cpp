#include "runtime/files/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <utility>

#include <fmt/format.h>

namespace troupe {

namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span{text.data(), text.size()});
}

descriptor opened(const fs::path& path, int flags, mode_t mode = 0666) {
  descriptor result{
      retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); })};
  if (*result < 0)
    throw file_error{path, file_operation::open, errno};
  return result;
}

// What a crash left is not taken for a secret's: others may have it open.
descriptor opened_draft(const fs::path& path, file_access access) {
  if (access == file_access::shared)
    return opened(path, O_WRONLY | O_CREAT | O_TRUNC);
  ::unlink(path.c_str());
  return opened(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
}

std::uint64_t size_of(const descriptor& file, const fs::path& path) {
  struct stat facts {};
  auto failed = ::fstat(*file, &facts) < 0 ? errno : 0;
  if (failed == 0 && S_ISDIR(facts.st_mode))
    failed = EISDIR;
  if (failed != 0)
    throw file_error{path, file_operation::open, failed};
  return static_cast<std::uint64_t>(facts.st_size);
}

fs::path directory_of(const fs::path& path) {
  auto parent = path.parent_path();
  return parent.empty() ? fs::path{"."} : parent;
}

// Removes a temporary file unless it was renamed in time.
class temporary {
public:
  explicit temporary(fs::path path) : path_(std::move(path)) {}
  temporary(const temporary&) = delete;
  temporary& operator=(const temporary&) = delete;
  ~temporary() {
    if (!kept_)
      ::unlink(path_.c_str());
  }
  const fs::path& path() const noexcept { return path_; }
  void keep() noexcept { kept_ = true; }

private:
  fs::path path_;
  bool kept_ = false;
};

} // namespace

files::files(file_hook hook) : hook_(std::move(hook)) {}

files& files::system() {
  static files process = [] {
    const auto* fault = std::getenv("TROUPE_FILE_FAULT");
    return files{fault ? parse_file_fault(fault) : file_hook{}};
  }();
  return process;
}

file_fault files::step(file_operation what, const fs::path& path) {
  auto in_all = ++in_all_;
  auto of_kind = ++of_kind_[static_cast<std::size_t>(what)];
  if (!hook_)
    return {};
  auto fault = hook_(what, path, in_all, of_kind);
  if (what == file_operation::write)
    return fault; // half of it is written first
  if (fault.what == file_fault::kind::kill)
    std::raise(SIGKILL);
  if (fault.what == file_fault::kind::fail)
    throw file_error{path, what, fault.reason};
  return fault;
}

void files::write(const descriptor& file, const fs::path& path,
    std::span<const std::byte> bytes) {
  auto fault = step(file_operation::write, path);
  if (fault.what != file_fault::kind::none)
    bytes = bytes.first(bytes.size() / 2);
  while (!bytes.empty()) {
    auto put =
        retried([&] { return ::write(*file, bytes.data(), bytes.size()); });
    if (put < 0)
      throw file_error{path, file_operation::write, errno};
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  if (fault.what == file_fault::kind::kill)
    std::raise(SIGKILL);
  if (fault.what == file_fault::kind::fail)
    throw file_error{path, file_operation::write, fault.reason};
}

void files::sync(const descriptor& file, const fs::path& path) {
  step(file_operation::sync, path);
  if (retried([&] { return ::fsync(*file); }) < 0)
    throw file_error{path, file_operation::sync, errno};
}

append_file files::append(const fs::path& path) {
  step(file_operation::open, path);
  auto file = opened(path, O_WRONLY | O_CREAT | O_APPEND);
  auto size = size_of(file, path);
  return {*this, path, std::move(file), size};
}

input_file files::open(const fs::path& path) {
  step(file_operation::open, path);
  auto file = opened(path, O_RDONLY);
  auto size = size_of(file, path);
  return {*this, path, std::move(file), size};
}

// One byte more than the file should have shows at once whether that was all;
// files that grow, or do not tell their size, take further rounds.
std::string files::read_all(const fs::path& path) {
  return read_from(path, 0);
}

std::string files::read_from(const fs::path& path, std::uint64_t first) {
  auto file = open(path);
  file.go_to(std::min(first, file.size()));
  std::string content(file.size() - file.offset() + 1, '\0');
  std::size_t used = 0;
  for (;;) {
    used += file.read(std::as_writable_bytes(std::span{content}.subspan(used)));
    if (used < content.size())
      break;
    content.resize(2 * content.size() + (1u << 16));
  }
  content.resize(used);
  return content;
}

void files::write_atomically(const fs::path& path,
    std::span<const std::span<const std::byte>> parts, file_access access) {
  auto draft = temporary{fs::path{path} += ".tmp"};
  step(file_operation::open, draft.path());
  {
    auto file = opened_draft(draft.path(), access);
    for (auto part : parts)
      write(file, draft.path(), part);
    sync(file, draft.path());
  }
  rename(draft.path(), path);
  draft.keep();
  sync_directory(directory_of(path));
}

void files::write_atomically(
    const fs::path& path, std::span<const std::span<const std::byte>> parts) {
  write_atomically(path, parts, file_access::shared);
}

void files::write_atomically(const fs::path& path, std::string_view content) {
  write_atomically(path, content, file_access::shared);
}

void files::write_atomically(
    const fs::path& path, std::string_view content, file_access access) {
  auto part = bytes_of(content);
  write_atomically(path, std::span{&part, 1}, access);
}

void files::rename(const fs::path& from, const fs::path& to) {
  step(file_operation::rename, to);
  if (::rename(from.c_str(), to.c_str()) < 0)
    throw file_error{to, file_operation::rename, errno};
}

bool files::remove(const fs::path& path) {
  step(file_operation::remove, path);
  if (::remove(path.c_str()) == 0)
    return true;
  if (errno != ENOENT)
    throw file_error{path, file_operation::remove, errno};
  return false;
}

// Some network file systems cannot sync directories and say EINVAL.
void files::sync_directory(const fs::path& directory) {
  step(file_operation::sync, directory);
  auto file = opened(directory, O_RDONLY | O_DIRECTORY);
  if (retried([&] { return ::fsync(*file); }) < 0 && errno != EINVAL)
    throw file_error{directory, file_operation::sync, errno};
}

void files::make_directories(const fs::path& directory) {
  step(file_operation::make_directory, directory);
  std::error_code failed;
  auto target = directory.has_filename() ? directory : directory.parent_path();
  std::vector<fs::path> made{target};
  for (auto above = target.parent_path(); !above.empty() && !exists(above);
       above = above.parent_path())
    made.push_back(above);
  fs::create_directories(directory, failed);
  if (!failed && !fs::is_directory(directory))
    failed = std::make_error_code(std::errc::not_a_directory);
  if (failed)
    throw file_error{directory, file_operation::make_directory, failed.value()};
  std::for_each(made.rbegin(), made.rend(),
      [this](const fs::path& each) { sync_name(each); });
}

// Who may write to a directory need not be allowed to read it.
void files::sync_name(const fs::path& path) {
  try {
    sync_directory(directory_of(path));
  } catch (const file_error& e) {
    if (e.reason() != std::errc::permission_denied)
      throw;
  }
}

std::vector<std::string> files::list(const fs::path& directory) {
  step(file_operation::list, directory);
  std::vector<std::string> result;
  std::error_code failed;
  auto entry = fs::directory_iterator(directory, failed);
  for (; !failed && entry != fs::directory_iterator{}; entry.increment(failed))
    result.push_back(entry->path().filename().string());
  if (failed)
    throw file_error{directory, file_operation::list, failed.value()};
  std::sort(result.begin(), result.end());
  return result;
}

std::optional<directory_lock> files::lock(const fs::path& directory) {
  step(file_operation::lock, directory);
  auto file = opened(directory, O_RDONLY | O_DIRECTORY);
  if (retried([&] { return ::flock(*file, LOCK_EX | LOCK_NB); }) < 0 &&
      errno == EWOULDBLOCK)
    return std::nullopt;
  return directory_lock{std::move(file)};
}

// Each line of the kernel's table is "1: FLOCK ADVISORY WRITE PID
// MAJOR:MINOR:INODE 0 EOF", major and minor in hexadecimal digits.
long files::holder(const fs::path& directory) {
  struct stat facts {};
  if (::stat(directory.c_str(), &facts) < 0 || !exists("/proc/locks"))
    return 0;
  auto wanted = fmt::format("{:02x}:{:02x}:{}", major(facts.st_dev),
      minor(facts.st_dev), facts.st_ino);
  std::istringstream table{files{}.read_all("/proc/locks")};
  std::string number, kind, how, access, file;
  long process = 0;
  for (std::string line; std::getline(table, line);)
    if (std::istringstream{line} >> number >> kind >> how >> access >>
            process >> file &&
        kind == "FLOCK" && file == wanted)
      return process;
  return 0;
}

bool files::exists(const fs::path& path) noexcept {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

} // namespace troupe
