#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "runtime/files/file_error.hpp"

namespace troupe {

/// What is to happen instead of an operation.
struct file_fault {
  enum class kind : std::uint8_t { none, fail, kill };
  kind what = kind::none;
  int reason = 0; ///< `errno` of a failure
};

/// Asked before each operation: which one it is, on which path, and how many
/// operations there have been, this one included: in all and of its kind.
/// Called by whichever thread works on files.
using file_hook = std::function<file_fault(file_operation,
    const std::filesystem::path&, std::uint64_t in_all, std::uint64_t of_kind)>;

/// The hook that a text asks for, as TROUPE_FILE_FAULT has it:
///
///     kill@N[+][:OPERATION]          SIGKILL
///     power@N[+][:OPERATION]         the same, and what was not synced is gone
///     fail@N[+][:OPERATION]=REASON   ENOSPC, EIO or EACCES
///
/// at the N-th operation, counted from 1; with OPERATION (write, sync, rename,
/// ...) at the N-th of that kind; with + at all later ones too. Throws
/// `std::invalid_argument`.
file_hook parse_file_fault(std::string_view text);

} // namespace troupe
