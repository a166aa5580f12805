#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "gpu/layout.hpp"
#include "protocols/storage.hpp"
#include "runtime/files/files.hpp"
#include "runtime/record/checkpoint.hpp"
#include "runtime/record/history.hpp"

namespace troupe {

struct chronicle_options {
  files* disk = nullptr;
  std::filesystem::path directory;
  gpu::layout layout;
  std::string name; ///< of the run, for the plot's title
  std::string rule_name;
  std::string configuration; ///< effective, as TOML
  std::string fingerprint;
  facts::provenance from;
  std::uint64_t keep = 3;          ///< checkpoints, beside the best
  std::size_t shards = 1;          ///< of the model
  bool clock = false;              ///< the run goes by a virtual one
  double elapsed = 0.0;            ///< seconds of the run before this process
  std::uint64_t journal_bytes = 0; ///< of the journal so far; the rest goes
  std::vector<history_row> history{};   ///< up to the version resumed from
  std::optional<history_row> resumed{}; ///< that version's, but for its score
  std::uint64_t resumed_at = 0; ///< where the journal tells of that version
  std::string unit = "version"; ///< what the plot calls one
};

/// Writes a run's directory. Facts go to the journal as they come; a version is
/// made durable with every fact before it, so that what is said to be stored
/// survives any crash; a burst of facts is written in one go. Blocks on the
/// disk. Opens with the first word; throws what the disk does, and nothing may
/// be written behind that.
class chronicle {
public:
  explicit chronicle(chronicle_options options);

  void write(std::span<const fact> batch);
  /// Answers with the SHA-256 of the parameters' bytes.
  std::string make_durable(const store& what);
  /// What is not needed beside the newest and the best goes.
  void prune();
  /// Writes and syncs everything.
  void finish();

private:
  struct made {
    history_row row;           ///< not scored
    std::uint64_t line_at = 0; ///< in the journal
  };

  void open();
  void write_history();
  void begin_line(const facts::published& what);
  void note(const fact& what);
  void go_back(version_id last);
  bookmark bookmark_of(version_id version) const;

  chronicle_options options_;
  std::optional<append_file> journal_;
  std::optional<append_file> history_;
  std::string line_;
  double now_ = 0.0; ///< of the last version, over all processes
  std::map<version_id, made> published_; ///< the last few
  std::set<version_id> kept_;
  std::set<version_id> unscored_; ///< kept until their score is known
  std::optional<history_row> best_;
};

} // namespace troupe
