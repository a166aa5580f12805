#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gpu/buffer.hpp"

namespace troupe::cluster {

/// A tensor that is lent, with the checksums of its grains: a model goes to
/// many peers, from a shelf for each, and is summed once. Thread-safe.
class loan {
public:
  static constexpr std::size_t grain = std::size_t{256} << 10;

  explicit loan(gpu::shared_buffer block);
  /// The one of this block, for as long as anybody holds it.
  static std::shared_ptr<const loan> of(const gpu::shared_buffer& block);

  std::span<const std::byte> bytes() const noexcept {
    return std::as_bytes(block_->span());
  }
  /// The crc32c of `length` bytes from `at` on; kept if that is one grain.
  std::uint32_t checksum(std::size_t at, std::size_t length) const;

private:
  gpu::shared_buffer block_;
  mutable std::vector<std::atomic<std::uint64_t>> known_; // 0: not yet
};

} // namespace troupe::cluster
