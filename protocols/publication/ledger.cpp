#include "protocols/publication/ledger.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>

namespace troupe::publication {
namespace {

constexpr double unit = 0x1p-10;
// No contribution may have more, so all that is beyond counts alike: the sum
// over a billion versions fits.
constexpr double longest = 0x1p22;
// What is rounded here, and where it is mixed, stays below this part.
constexpr double slack = 1.0 + 0x1p-20;

constexpr std::size_t most_versions = 1 << 16;

} // namespace

ledger::distance ledger::measured(float step) noexcept {
  const auto known = step <= longest ? static_cast<double>(step) : longest;
  return static_cast<distance>(std::ceil(known * slack / unit));
}

float ledger::mixed(float largest, version_id base) const noexcept {
  const auto behind = version_ - base;
  if (behind == 0)
    return largest;
  return static_cast<float>(
      (2.0 * static_cast<double>(largest) + way_from(base)) * slack);
}

void ledger::begins_beyond(version_id base, float way) {
  before_[base] = measured(way);
}

double ledger::way_from(version_id base) const noexcept {
  const auto behind = version_ - base;
  const auto all = travelled_.back() - travelled_.front();
  if (behind < travelled_.size())
    return static_cast<double>(
               travelled_.back() - travelled_[travelled_.size() - 1 - behind]) *
           unit;
  const auto known = before_.find(base);
  return known == before_.end() || travelled_.size() == most_versions
             ? longest
             : static_cast<double>(known->second + all) * unit;
}

gpu::admission ledger::admission_of(
    float largest, double weight) const noexcept {
  if (!std::isfinite(largest))
    return gpu::admission::not_finite;
  if (auto said = totals_.weigh(weight, weight); said != gpu::admission::added)
    return said;
  if (largest > gpu::most_admissible(weight))
    return gpu::admission::out_of_range;
  return totals_.admission_of(std::bit_cast<std::int32_t>(largest), weight);
}

void ledger::give(
    float largest, double weight, double share, std::size_t edge) {
  totals_.count(std::bit_cast<std::int32_t>(largest), weight, share);
  ++given_;
  if (edges_.size() > 1)
    untold_.push_back(static_cast<std::uint32_t>(edge));
}

std::vector<std::uint64_t> ledger::added(
    shard_id shard, std::span<const std::uint64_t> checksums) {
  auto& at = edges_[shard / shards_.size()];
  const auto had = least_added(at);
  auto& added = at.added[shard % shards_.size()];
  for (auto each : checksums) {
    const auto place = added++ - had;
    if (place == at.partial.size())
      at.partial.push_back(0);
    at.partial[place] += each;
  }
  for (auto more = least_added(at) - had; more > 0; --more) {
    at.complete.push_back(at.partial.front());
    at.partial.pop_front();
  }
  auto result = take_told();
  told_ += result.size();
  return result;
}

std::vector<std::uint64_t> ledger::take_told() {
  std::vector<std::uint64_t> result;
  if (edges_.size() == 1) {
    auto& all = edges_.front().complete;
    result.assign(all.begin(), all.end());
    all.clear();
  }
  while (!untold_.empty() && !edges_[untold_.front()].complete.empty()) {
    auto& next = edges_[untold_.front()].complete;
    result.push_back(next.front());
    next.pop_front();
    untold_.pop_front();
  }
  return result;
}

std::uint64_t ledger::least_added(const line& at) noexcept {
  return std::ranges::min(at.added);
}

void ledger::round() noexcept {
  totals_ = {};
  sum_ = {};
  step_ = 0;
  for (auto& each : shards_)
    each.rounding = true;
}

bool ledger::rounded(
    shard_id shard, float step, const gpu::sum_total& sum) noexcept {
  assert(shard < shards_.size() && "a shard that there is");
  sum_ = {sum.weight, sum.share, sum_.checksum + sum.checksum};
  shards_[shard].rounding = false;
  step_ = std::max(step_, measured(step));
  if (std::ranges::any_of(shards_, &state::rounding))
    return false;
  ++version_;
  travelled_.push_back(travelled_.back() + step_);
  if (travelled_.size() > most_versions)
    travelled_.pop_front();
  return true;
}

} // namespace troupe::publication
