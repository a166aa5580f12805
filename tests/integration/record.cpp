#include "tests/integration/record.hpp"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "runtime/record/checkpoint.hpp"
#include "runtime/record/journal.hpp"
#include "tests/runtime/scratch_directory.hpp"
#include "tests/support/process.hpp"

namespace troupe::tests {

namespace fs = std::filesystem;

std::string content(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write(const fs::path& file, const std::string& bytes) {
  std::ofstream out{file, std::ios::binary};
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush())
    throw std::runtime_error("cannot write " + file.string());
}

nlohmann::json record::summary() const {
  return nlohmann::json::parse(content(root_ / "summary.json"));
}

std::vector<history_row> record::history() const {
  return parse_history(content(root_ / "history.csv"));
}

std::vector<fact> record::standing() const {
  return journal::standing(journal());
}

std::vector<fact> record::facts() const {
  std::vector<fact> result;
  journal::scan(journal(), [&](const fact& f) { result.push_back(f); });
  return result;
}

std::vector<std::string> record::lines() const {
  std::vector<std::string> result;
  auto text = journal();
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    result.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return result;
}

version_id record::last_published() const {
  auto all = this->all<facts::published>();
  return all.empty() ? 0 : all.back().version;
}

std::vector<version_id> record::checkpoints() const {
  troupe::files disk;
  return stored_versions(disk, root_ / "checkpoints");
}

fs::path record::checkpoint(version_id version) const {
  return checkpoint_path(root_ / "checkpoints", version);
}

std::map<std::string, std::string> record::files() const {
  std::map<std::string, std::string> result;
  if (!fs::exists(root_))
    return result;
  for (const auto& entry : fs::recursive_directory_iterator(root_))
    if (entry.is_regular_file())
      result[fs::relative(entry.path(), root_).string()] =
          content(entry.path());
  return result;
}

std::string tensor_bytes(const fs::path& file) {
  auto bytes = content(file);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  return bytes.substr(sizeof header + header);
}

std::string sha256sum(const std::string& bytes) {
  scratch_directory place;
  write(place / "bytes", bytes);
  return run({{"sha256sum", (place / "bytes").string()}}).out.substr(0, 64);
}

} // namespace troupe::tests
