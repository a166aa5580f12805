#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/cli/arguments.hpp"

namespace troupe::cli {

/// The value of an option that is a whole number from `least` to `most`; throws
/// `usage_error` that names the option, the value and the bounds.
std::uint64_t whole_number(const arguments& given, std::string_view name,
    std::uint64_t otherwise, std::uint64_t least, std::uint64_t most);

/// Bytes as people write them: "4", "64K", "1M", "2G", by powers of 1,024; a
/// range "4..256M" of powers of four, its end included, or a list "4,1M".
std::vector<std::size_t> sizes_of(const std::string& text);

/// "4", "64K", "16M".
std::string size_text(std::size_t bytes);

} // namespace troupe::cli
