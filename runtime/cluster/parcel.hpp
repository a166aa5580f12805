#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "protocols/tensor.hpp"

namespace troupe::cluster {

/// What couriers say to each other, little-endian; the bytes of a chunk follow.
///
///      0       4       8              16             24             32
///      +-------+-------+--------------+--------------+--------------+------
///      | kind  | crc32c|      id      |    offset    |    length    | bytes
///      +-------+-------+--------------+--------------+--------------+------
///   1: | fetch |   0   | what         | go on there  | of the whole |
///   2: | chunk | bytes'| whose        | of the bytes | of the bytes | length
///   3: | gone  |   0   | no more of it|      0       |      0       |
///   4: | stop  |   0   | no more of it|      0       |      0       |
///
/// A fetch is answered by the chunks from its offset on, in order and between
/// those of other tensors, the last of which ends at its length; or, before or
/// among them, by gone. Nothing of a tensor is one chunk of no bytes. A stop
/// asks for gone, unless the last chunk or gone is on its way.
struct parcel {
  enum class kind : std::uint32_t { fetch = 1, chunk, gone, stop };

  static constexpr std::size_t size = 32;
  /// Bytes of a chunk at most; more would make others wait.
  static constexpr std::uint64_t largest_chunk = std::uint64_t{1} << 20;
  /// What one end may have asked for and not got, at most.
  static constexpr std::size_t most_fetches = 128;

  kind what = kind::gone;
  std::uint32_t checksum = 0;
  tensor_id id = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  friend bool operator==(const parcel&, const parcel&) = default;
};

using parcel_bytes = std::array<std::byte, parcel::size>;

parcel_bytes to_bytes(const parcel& x);

/// Throws `std::system_error` with `courier_errc::malformed`, which says why:
/// what comes back keeps the table above.
parcel to_parcel(const parcel_bytes& bytes);

/// "tensor 5a: chunk of 262144 bytes at 0", for errors.
std::string to_string(const parcel& x);

} // namespace troupe::cluster
