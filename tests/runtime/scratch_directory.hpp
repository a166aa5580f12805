#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace troupe::tests {

/// A directory of a test's own, gone with the object.
class scratch_directory {
public:
  scratch_directory() {
    auto name = std::filesystem::temp_directory_path() / "troupe-XXXXXX";
    auto text = name.string();
    if (::mkdtemp(text.data()) == nullptr)
      throw std::runtime_error("no scratch directory at " + text);
    path_ = text;
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

private:
  std::filesystem::path path_;
};

} // namespace troupe::tests
