#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gpu/layout.hpp"
#include "runtime/files/files.hpp"
#include "runtime/record/checkpoint.hpp"
#include "runtime/record/history.hpp"

namespace troupe {

/// The files of one run:
///
///     config.toml        effective configuration
///     incarnation        how often the run was taken up, before it goes on
///     run-id             a number that no other run has, where nodes need it
///     facts.jsonl        the journal: every fact
///     history.csv, .svg  a row, and a point, for each scored version
///     checkpoints/       the last few versions and the best
///     model.safetensors  the final version
///     summary.json       how it ended
class run_directory {
public:
  explicit run_directory(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const noexcept { return root_; }
  std::filesystem::path config() const { return root_ / "config.toml"; }
  std::filesystem::path incarnation() const { return root_ / "incarnation"; }
  std::filesystem::path id() const { return root_ / "run-id"; }
  std::filesystem::path journal() const { return root_ / "facts.jsonl"; }
  std::filesystem::path history() const { return root_ / "history.csv"; }
  std::filesystem::path plot() const { return root_ / "history.svg"; }
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
  std::filesystem::path model() const { return root_ / "model.safetensors"; }
  std::filesystem::path summary() const { return root_ / "summary.json"; }

  /// Whether a run has begun there, or left checkpoints.
  bool holds_run() const noexcept;

private:
  std::filesystem::path root_;
};

/// What a run directory says about a run that is to go on.
struct past {
  std::optional<checkpoint> state;    ///< none: start from version 0
  std::uint64_t incarnation = 0;      ///< of the process that takes it up
  std::uint64_t last_fact = 0;        ///< in the journal; 0: none
  std::uint64_t journal_bytes = 0;    ///< of it, without a spoilt end
  std::vector<history_row> history;   ///< up to the state's version
  std::optional<history_row> resumed; ///< the state's, as if not scored yet
  std::uint64_t resumed_at = 0;       ///< where the journal tells of it
  facts::provenance from;             ///< what it was trained on, if known
  std::string note;                   ///< what of the journal was lost, if any
  std::vector<resident_client> residents; ///< that have ever taken part
  /// Rules that took over behind the state, by their facts' numbers.
  std::vector<std::pair<std::uint64_t, facts::rule_changed>> undone;

  /// The facts after the state, if there are any: they are void.
  bool has_void() const noexcept;
  std::uint64_t first_void() const noexcept;
  /// A crash may come between a version's checkpoint and its score.
  bool scored() const noexcept { return score() != nullptr; }
  /// The state's row of the history; null: it has none.
  const history_row* score() const noexcept;
};

/// Reads what `--resume` needs, the newest checkpoint included; of the journal
/// what came since, if the history up to there is whole. A crash may
/// spoil the journal behind that checkpoint's fact, and the history anywhere:
/// the one ends there, the other is mended by it. Throws `bad_file` for content
/// that no crash leaves behind, `file_error` for what cannot be read.
past recall(files& disk, const run_directory& place, const gpu::layout& layout);

/// The newest checkpoint whose state a journal tells of that ends at this fact;
/// none: it reaches none of them.
std::optional<version_id> newest_reached(
    files& disk, const run_directory& place, std::uint64_t last_fact);

/// Makes outlast any crash that this process takes the run up, so that no later
/// one hands out the same lease ids. To be called before the first lease.
void begin_incarnation(
    files& disk, const run_directory& place, const past& before);

/// What residents' nodes keep their states under: drawn when it is first asked
/// for, and then outlasting any crash.
std::string run_id(files& disk, const run_directory& place);

} // namespace troupe
