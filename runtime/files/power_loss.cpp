#include "runtime/files/power_loss.hpp"

#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace troupe {
namespace {

namespace fs = std::filesystem;

std::uint64_t inode(const fs::path& file) {
  struct stat facts {};
  return ::lstat(file.c_str(), &facts) == 0 ? facts.st_ino : 0;
}

std::string content(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

// One spelling of each path.
fs::path plain(const fs::path& path) {
  auto result = fs::absolute(path).lexically_normal();
  return result.has_filename() ? result : result.parent_path();
}

template <class Each>
void for_each_file(const fs::path& directory, Each&& each) {
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.is_regular_file() && !entry.is_symlink())
      each(entry.path());
}

} // namespace

void power_loss::see(file_operation what, const fs::path& path) {
  std::lock_guard held{guard_};
  auto at = plain(path);
  switch (what) {
  case file_operation::open:
    if (!fs::exists(at))
      adopt(at.parent_path());
    break;
  case file_operation::write:
  case file_operation::truncate:
    adopt(at.parent_path());
    break;
  case file_operation::rename: // `at` is what it replaces
  case file_operation::remove:
    adopt(at.parent_path());
    forget(at);
    break;
  case file_operation::lock:
    adopt(at);
    break;
  case file_operation::make_directory:
    for (auto made = at; !fs::exists(made); made = made.parent_path())
      unnamed_.insert(made);
    break;
  case file_operation::sync:
    if (fs::is_directory(at)) {
      adopt(at);
      keep_names(at);
    } else {
      *of(at) = content(at);
    }
    break;
  case file_operation::read:
  case file_operation::list:
    break;
  }
}

void power_loss::adopt(const fs::path& directory) {
  if (directories_.contains(directory) || !fs::is_directory(directory))
    return;
  for_each_file(
      directory, [&](const fs::path& file) { *of(file) = content(file); });
  keep_names(directory);
}

void power_loss::keep_names(const fs::path& directory) {
  names now;
  for_each_file(directory,
      [&](const fs::path& file) { now[file.filename().string()] = of(file); });
  directories_[directory] = std::move(now);
  std::erase_if(unnamed_,
      [&](const fs::path& made) { return made.parent_path() == directory; });
}

// The next file may get its inode.
void power_loss::forget(const fs::path& file) {
  files_.erase(inode(file));
}

power_loss::bytes& power_loss::of(const fs::path& file) {
  auto& found = files_[inode(file)];
  if (!found)
    found = std::make_shared<std::string>();
  return found;
}

void power_loss::strike() {
  std::lock_guard held{guard_};
  for (const auto& made : unnamed_)
    fs::remove_all(made);
  for (const auto& [directory, lasting] : directories_) {
    if (!fs::is_directory(directory))
      continue;
    for_each_file(directory, [&, &lasting = lasting](const fs::path& file) {
      if (!lasting.contains(file.filename().string()))
        fs::remove(file);
    });
    for (const auto& [name, text] : lasting)
      if (auto file = directory / name;
          !fs::exists(file) || content(file) != *text)
        std::ofstream{file, std::ios::binary} << *text;
  }
  std::raise(SIGKILL);
  std::abort();
}

} // namespace troupe
