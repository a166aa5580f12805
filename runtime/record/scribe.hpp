#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gpu/layout.hpp"
#include "protocols/storage.hpp"
#include "protocols/verbs.hpp"
#include "runtime/files/files.hpp"
#include "runtime/record/checkpoint.hpp"
#include "runtime/record/history.hpp"

namespace troupe {

struct scribe_options {
  files* disk = nullptr;
  std::filesystem::path directory;
  gpu::layout layout;
  std::string name; ///< of the run, for the plot's title
  std::string rule_name;
  std::string configuration; ///< effective, as TOML
  std::string fingerprint;
  facts::provenance from;
  std::uint64_t keep = 3;           ///< checkpoints, beside the best
  std::size_t shards = 1;           ///< of the model
  double elapsed = 0.0;             ///< seconds of the run before this process
  std::uint64_t journal_bytes = 0;  ///< of the journal so far; the rest goes
  std::vector<history_row> history; ///< up to the version resumed from
  std::optional<history_row> resumed; ///< that version's, but for its score
  std::uint64_t resumed_at = 0; ///< where the journal tells of that version
  aggregator report_to;
};

/// Writes a run's directory. Facts go to the journal as they come; a store
/// request first makes every fact before it durable, then the checkpoint, and
/// only then answers: what was acknowledged survives any crash. Blocks on the
/// disk, so spawn it detached; a burst of facts is written in one go.
class scribe_state {
public:
  static inline const char* name = "troupe.scribe";

  scribe_state(scribe::pointer self, scribe_options options);
  scribe::behavior_type make_behavior();

private:
  struct made {
    history_row row;           ///< not scored
    std::uint64_t line_at = 0; ///< in the journal
  };

  template <class Work>
  void attempt(Work&& work);
  void open();
  void write(const fact_batch& batch);
  void begin_line(const facts::published& what);
  void note(const fact& what);
  bookmark bookmark_of(version_id version) const;
  void make_durable(const store& what);
  void prune();
  void draw();
  caf::result<void> finish();

  scribe::pointer self_;
  scribe_options options_;
  std::optional<append_file> journal_;
  std::optional<append_file> history_;
  std::string line_;
  double now_ = 0.0; ///< of the last version, over all processes
  std::map<version_id, made> published_; ///< the last few
  std::set<version_id> kept_;
  std::set<version_id> unscored_; ///< kept until their score is known
  std::optional<history_row> best_;
  std::string failure_; ///< why nothing is written any more
};
using scribe_impl = scribe::stateful_impl<scribe_state>;

} // namespace troupe
