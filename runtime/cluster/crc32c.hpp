#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace troupe::cluster {

/// The checksum of iSCSI (RFC 3720, polynomial 0x1EDC6F41) over what `so_far`
/// is the checksum of and then `bytes`; by the processor where it can.
std::uint32_t crc32c(
    std::span<const std::byte> bytes, std::uint32_t so_far = 0) noexcept;

/// The same, by tables.
std::uint32_t crc32c_by_tables(
    std::span<const std::byte> bytes, std::uint32_t so_far = 0) noexcept;

} // namespace troupe::cluster
