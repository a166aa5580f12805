#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "protocols/facts.hpp"
#include "runtime/record/history.hpp"

namespace troupe::tests {

/// A file's bytes; empty if there is none.
std::string content(const std::filesystem::path& file);
void write(const std::filesystem::path& file, const std::string& bytes);

/// What a run left in its directory, or has left so far.
class record {
public:
  explicit record(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const noexcept { return root_; }
  std::filesystem::path operator/(const std::string& name) const {
    return root_ / name;
  }
  bool has(const std::string& name) const {
    return std::filesystem::exists(root_ / name);
  }

  nlohmann::json summary() const;
  std::string model_sha256() const { return summary().at("model_sha256"); }
  std::vector<history_row> history() const;

  std::string journal() const { return content(root_ / "facts.jsonl"); }
  /// Facts that still hold; those of the whole lines, if one is being written.
  std::vector<fact> standing() const;
  /// All facts, void ones included.
  std::vector<fact> every() const { return facts(); }
  /// Facts of one kind, void ones included.
  template <class Fact>
  std::vector<Fact> all() const {
    return only<Fact>(facts());
  }
  template <class Fact>
  std::vector<Fact> all_standing() const {
    return only<Fact>(standing());
  }
  /// Lines of the journal, the last one included if it is torn.
  std::vector<std::string> lines() const;

  /// The last version that the journal tells of, void or not; 0: none.
  version_id last_published() const;

  /// Versions with a checkpoint, ascending.
  std::vector<version_id> checkpoints() const;
  std::filesystem::path checkpoint(version_id version) const;

  /// Every file below, by its path from here, and what is in it.
  std::map<std::string, std::string> files() const;

private:
  std::vector<fact> facts() const;

  template <class Fact>
  static std::vector<Fact> only(const std::vector<fact>& all) {
    std::vector<Fact> result;
    for (const auto& f : all)
      if (auto* x = std::get_if<Fact>(&f.what))
        result.push_back(*x);
    return result;
  }

  std::filesystem::path root_;
};

/// The bytes of a safetensors file's tensors.
std::string tensor_bytes(const std::filesystem::path& file);

/// By the system's own tool.
std::string sha256sum(const std::string& bytes);

} // namespace troupe::tests
