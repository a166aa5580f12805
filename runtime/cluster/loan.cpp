#include "runtime/cluster/loan.hpp"

#include "runtime/cluster/crc32c.hpp"

#include <cassert>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace troupe::cluster {

loan::loan(gpu::shared_buffer block)
    : block_(std::move(block)), known_(block_->bytes() / grain + 1) {
  assert(block_->where().kind == gpu::device_kind::cpu &&
         "what is on the host is lent");
}

std::shared_ptr<const loan> loan::of(const gpu::shared_buffer& block) {
  static std::mutex guard;
  static std::unordered_map<const gpu::buffer*, std::weak_ptr<const loan>> all;
  std::lock_guard lock{guard};
  if (auto found = all.find(block.get()); found != all.end())
    if (auto held = found->second.lock())
      return held;
  // As many as have come since are looked through.
  static std::size_t swept_at = 0;
  if (all.size() >= swept_at) {
    std::erase_if(all, [](const auto& each) { return each.second.expired(); });
    swept_at = 2 * all.size() + 16;
  }
  auto made = std::make_shared<const loan>(block);
  all[block.get()] = made;
  return made;
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
