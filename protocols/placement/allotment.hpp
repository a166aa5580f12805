#pragma once

#include <cstdint>
#include <vector>

#include "gpu/device.hpp"
#include "protocols/ids.hpp"

namespace troupe::placement {

/// Slots of one kind of device.
struct share {
  gpu::device_kind kind = gpu::device_kind::cpu;
  std::uint64_t slots = 0;
  friend bool operator==(const share&, const share&) = default;
};

/// Which kind of device trains a client: a function of seed, client and the
/// kinds' shares, never of who is free, because kinds differ in their bits. A
/// kind gets clients as it has slots; only the ratio counts, so that twice the
/// slots everywhere move nobody.
class allotment {
public:
  /// All to the CPU.
  allotment() : allotment(0, {{gpu::device_kind::cpu, 1}}) {}
  /// At least one share has slots.
  allotment(std::uint64_t seed, std::vector<share> shares);

  gpu::device_kind kind_of(client_id client) const noexcept;

  /// Every kind that has slots, once, in lowest terms.
  const std::vector<share>& shares() const noexcept { return shares_; }

private:
  std::uint64_t seed_;
  std::vector<share> shares_;
  std::uint32_t total_ = 0;
};

/// The shares in lowest terms: one a kind, the CPU first, none without slots.
std::vector<share> in_lowest_terms(const std::vector<share>& shares);

} // namespace troupe::placement
