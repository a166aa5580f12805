#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "protocols/state_table.hpp"
#include "runtime/files/files.hpp"

// The part of a checkpoint that holds the states of its clients: a safetensors
// file with a tensor of one dimension for each client that has one, "client.7".

namespace troupe {

/// Those that are not elsewhere, at the node of a resident.
state_table states_here(const state_table& all);

/// Those that are, by their names: "10:431:18 11:417:18" for each client the
/// name and the number of values. Empty: there are none.
std::string names_elsewhere(const state_table& all);
/// Takes these in beside what `to` has. False for what is no such text.
bool take_names_elsewhere(std::string_view text, state_table& to);

/// Replaces `path` atomically. All of them, changed or not: a checkpoint costs
/// their bytes, and some 100 for each client's name and place in the header.
void write_states(
    files& disk, const std::filesystem::path& path, const state_table& states);

/// Throws `bad_file` for one that has other tensors.
state_table read_states(files& disk, const std::filesystem::path& path);

} // namespace troupe
