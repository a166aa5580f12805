#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <variant>
#include <vector>

#include "runtime/files/files.hpp"

namespace troupe::data {

/// One array of an IDX file, row-major: the format of MNIST's files
/// (http://yann.lecun.com/exdb/mnist), plain or packed by gzip:
///
///     0 0 type dimensions | size[0] .. size[dimensions - 1] | values
///
/// `type` is 0x08 for unsigned bytes or 0x0D for floats; the others are refused
/// by name. Sizes are 32 bits, everything is big-endian.
struct idx_array {
  std::vector<std::size_t> shape; ///< 1 to 8 dimensions
  std::variant<std::vector<std::uint8_t>, std::vector<float>> values;
  bool packed = false; ///< offsets in messages count bytes after unpacking
};

/// What a file is wanted for: labels are one dimension of bytes.
enum class idx_use : std::uint8_t { any, labels };

/// Throws `bad_file` for content that is truncated, corrupt, longer than it
/// says, of a type that is not read or not of this use, or with floats that are
/// not finite. Takes no more memory than the content can fill.
idx_array parse_idx(std::span<const std::byte> content,
    const std::filesystem::path& name, idx_use wanted = idx_use::any);

/// The same from a file; throws `file_error` too.
idx_array read_idx(const std::filesystem::path& path,
    files& from = files::system(), idx_use wanted = idx_use::any);

} // namespace troupe::data
