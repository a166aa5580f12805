#include "runtime/record/names_apart.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include <fmt/format.h>

namespace troupe {

namespace {

namespace fs = std::filesystem;

// Without the slash at the end, which would hide the name.
fs::path whole(const fs::path& directory) {
  auto result = fs::absolute(directory).lexically_normal();
  return result.has_filename() ? result : result.parent_path();
}

std::string last_parts(const fs::path& path, std::ptrdiff_t count) {
  const auto all = std::distance(path.begin(), path.end());
  fs::path result;
  for (auto at = std::next(path.begin(), std::max(all - count, 0L));
       at != path.end(); ++at)
    result /= *at;
  return result.string();
}

class namer {
public:
  explicit namer(std::span<const fs::path> directories)
      : parts_(directories.size(), 1), names_(directories.size()) {
    for (const auto& each : directories)
      paths_.push_back(whole(each));
  }

  std::vector<std::string> names() && {
    do
      name();
    while (lengthen());
    number();
    return std::move(names_);
  }

private:
  void name() {
    for (std::size_t i = 0; i < paths_.size(); ++i)
      names_[i] = last_parts(paths_[i], parts_[i]);
  }

  // Different paths differ once they are whole.
  bool lengthen() {
    auto any = false;
    for (std::size_t i = 0; i < paths_.size(); ++i)
      for (std::size_t j = 0; j < paths_.size(); ++j)
        if (names_[i] == names_[j] && paths_[i] != paths_[j]) {
          ++parts_[i];
          any = true;
          break;
        }
    return any;
  }

  void number() {
    for (auto i = paths_.size(); i-- > 0;)
      if (auto before =
              std::count(paths_.begin(), paths_.begin() + i, paths_[i]))
        names_[i] += fmt::format(" ({})", before + 1);
  }

  std::vector<fs::path> paths_;
  std::vector<std::ptrdiff_t> parts_;
  std::vector<std::string> names_;
};

} // namespace

std::vector<std::string> names_apart(std::span<const fs::path> directories) {
  return namer{directories}.names();
}

} // namespace troupe
