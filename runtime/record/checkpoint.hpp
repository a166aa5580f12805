#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <caf/byte_buffer.hpp>

#include "gpu/buffer.hpp"
#include "gpu/layout.hpp"
#include "protocols/blocks.hpp"
#include "protocols/facts.hpp"
#include "protocols/ids.hpp"
#include "protocols/resident_client.hpp"
#include "protocols/state_table.hpp"
#include "runtime/files/files.hpp"

namespace troupe {

/// Where the journal and the history stood when a version was made.
struct bookmark {
  std::uint64_t journal_bytes = 0; ///< before the line that tells of it
  std::uint64_t scored = 0;        ///< rows of the history
  std::string history_sha256;      ///< of these; empty: there is no bookmark
};

/// A durable state of a run: one published version and the rule at that moment.
///
///     version-00000012.safetensors       the parameters, in one file
///
///     version-00000012.shard-1-of-2.safetensors     or all blocks, a file a
///     version-00000012.shard-2-of-2.safetensors     shard with its range,
///     version-00000012.clients.safetensors          clients' states, if there
///                                                   are any: "client.7"
///     version-00000012.json                         and the manifest, written
///                                                   last and removed first
///
/// One shard of which neither server nor clients keep anything has one file.
/// Its metadata, or the manifest, carries everything else, with digests over
/// all values and a seal over the fields. Residents' states are elsewhere:
/// their names stand there, too.
struct checkpoint {
  version_id version = 0;
  gpu::shared_buffer parameters;
  named_blocks blocks;           ///< beside them
  caf::byte_buffer rule;         ///< by inspect
  std::string rule_name;         ///< "fedavg"
  std::uint64_t fact_number = 0; ///< the last fact that led here
  std::uint64_t updates = 0;     ///< accepted in all versions so far
  double elapsed = 0.0;          ///< seconds of the run, all processes
  std::string configuration;     ///< effective, as TOML
  std::string fingerprint;
  bool promises_bits = true; ///< it alone computed all that led here
  facts::provenance from;    ///< unknown in those from before it was told
  bookmark at;               ///< none in those from before there were any
  state_table states;        ///< that clients keep
  std::vector<resident_client> residents; ///< that have ever taken part
};

/// "version-00000012.", which the names of all its files begin with.
std::string version_prefix(version_id version);
/// The names of its one file, and of its manifest.
std::string checkpoint_name(version_id version);
std::string manifest_name(version_id version);
bool is_manifest(const std::filesystem::path& path);
/// The one of both that is there.
std::filesystem::path checkpoint_path(
    const std::filesystem::path& directory, version_id version);

/// Writes it so that a crash at any moment leaves all of it or nothing that
/// counts; returns the parameters' SHA-256.
std::string write_checkpoint(files& disk,
    const std::filesystem::path& directory, const gpu::layout& layout,
    const checkpoint& what, std::size_t shards = 1);

/// Throws `bad_file` for one that is torn, altered, of which a part is missing,
/// or of another model than `layout`; empty: of any.
checkpoint read_checkpoint(
    files& disk, const std::filesystem::path& path, const gpu::layout& layout);

/// All its files.
void remove_checkpoint(
    files& disk, const std::filesystem::path& directory, version_id version);

/// Versions that have a checkpoint in `directory`, ascending; none if it is
/// missing. Parts without a manifest and temporary files do not count.
std::vector<version_id> stored_versions(
    files& disk, const std::filesystem::path& directory);

} // namespace troupe
