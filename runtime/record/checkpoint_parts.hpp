#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "gpu/layout.hpp"
#include "runtime/files/files.hpp"
#include "runtime/record/checkpoint.hpp"

// A checkpoint of several files: what `checkpoint.hpp` promises of it.

namespace troupe {

/// Writes and syncs a part for each of so many shards, one of the clients'
/// states if there are any, and then the manifest.
std::string write_parts(files& disk, const std::filesystem::path& directory,
    const checkpoint& what, std::size_t shards);

checkpoint read_parts(files& disk, const std::filesystem::path& manifest,
    const gpu::layout& layout);

/// Removes parts without a manifest: of a checkpoint that was not finished,
/// or was being removed.
void remove_orphans(files& disk, const std::filesystem::path& directory);

} // namespace troupe
