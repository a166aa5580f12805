#pragma once

#include <string>
#include <system_error>

namespace troupe::cluster {

/// Why a courier does not bring a tensor, or wants no more of a channel.
/// Append-only.
enum class courier_errc {
  /// The handle has no id: its tensor never left its process.
  not_lent = 1,
  /// Its owner does not lend a tensor of this id and size, or no longer.
  gone,
  /// It has more bytes than the asker is ready to take.
  too_large,
  /// Asked for under the same id with another size.
  size_differs,
  /// Called off, or the courier went.
  cancelled,

  // These end a channel.
  /// A header that means nothing.
  malformed,
  /// An answer to what nobody asked for.
  not_asked,
  /// Bytes that are not those that come next.
  out_of_place,
  /// Bytes that do not have their checksum.
  corrupted,
  /// More asked for at once than a courier may.
  too_many,
};

const std::error_category& courier_category() noexcept;

inline std::error_code make_error_code(courier_errc code) noexcept {
  return {static_cast<int>(code), courier_category()};
}

} // namespace troupe::cluster

template <>
struct std::is_error_code_enum<troupe::cluster::courier_errc> : true_type {};
