#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <caf/byte_buffer.hpp>

#include "gpu/buffer.hpp"
#include "gpu/layout.hpp"
#include "protocols/facts.hpp"
#include "protocols/ids.hpp"
#include "runtime/files/files.hpp"

namespace troupe {

/// Where the journal and the history stood when a version was made.
struct bookmark {
  std::uint64_t journal_bytes = 0; ///< before the line that tells of it
  std::uint64_t scored = 0;        ///< rows of the history
  std::string history_sha256;      ///< of these; empty: there is no bookmark
};

/// A durable state of a run: one published version and the rule at that moment.
/// Stored as a safetensors file `version-00000012.safetensors` whose metadata
/// carries everything beside the parameters, with a checksum over both.
struct checkpoint {
  version_id version = 0;
  gpu::shared_buffer parameters;
  caf::byte_buffer rule;         ///< by inspect
  std::string rule_name;         ///< "fedavg"
  std::uint64_t fact_number = 0; ///< the last fact that led here
  std::uint64_t updates = 0;     ///< accepted in all versions so far
  double elapsed = 0.0;          ///< seconds of the run, all processes
  std::string configuration;     ///< effective, as TOML
  std::string fingerprint;
  facts::provenance from; ///< unknown in those from before it was told
  bookmark at;            ///< none in those from before there were any
};

std::string checkpoint_name(version_id version);

/// Writes atomically into `directory`; returns the parameters' SHA-256.
std::string write_checkpoint(files& disk,
    const std::filesystem::path& directory, const gpu::layout& layout,
    const checkpoint& what);

/// Throws `bad_file` for one that is torn, altered or of another model.
checkpoint read_checkpoint(
    files& disk, const std::filesystem::path& path, const gpu::layout& layout);

/// Versions that have a checkpoint in `directory`, ascending; none if it is
/// missing. Temporary files do not count.
std::vector<version_id> stored_versions(
    files& disk, const std::filesystem::path& directory);

} // namespace troupe
