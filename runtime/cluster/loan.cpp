#include "runtime/cluster/loan.hpp"

#include "runtime/cluster/crc32c.hpp"

#include <cassert>
#include <utility>

namespace troupe::cluster {

loan::loan(gpu::shared_buffer block)
    : block_(std::move(block)), known_(block_->bytes() / grain + 1) {
  assert(block_->where().kind == gpu::device_kind::cpu &&
         "what is on the host is lent");
}

std::uint32_t loan::checksum(std::size_t at, std::size_t length) const {
  const auto these = bytes().subspan(at, length);
  const bool last = at + length == block_->bytes();
  if (at % grain != 0 || (length != grain && !(last && length < grain)))
    return crc32c(these);
  constexpr auto is_known = std::uint64_t{1} << 32;
  auto& kept = known_[at / grain];
  auto sum = kept.load(std::memory_order_relaxed);
  if (sum == 0)
    kept.store(sum = is_known | crc32c(these), std::memory_order_relaxed);
  return static_cast<std::uint32_t>(sum);
}

} // namespace troupe::cluster
