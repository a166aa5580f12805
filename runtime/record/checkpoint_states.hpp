#pragma once

#include <filesystem>

#include "protocols/state_table.hpp"
#include "runtime/files/files.hpp"

// The part of a checkpoint that holds the states of its clients: a safetensors
// file with a tensor of one dimension for each client that has one, "client.7".

namespace troupe {

/// Replaces `path` atomically. All of them, changed or not: a checkpoint costs
/// their bytes, and some 100 for each client's name and place in the header.
void write_states(
    files& disk, const std::filesystem::path& path, const state_table& states);

/// Throws `bad_file` for one that has other tensors.
state_table read_states(files& disk, const std::filesystem::path& path);

} // namespace troupe
