#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "protocols/collective/algorithm.hpp"
#include "protocols/collective/operation.hpp"

namespace troupe::collective {

/// What a rank is asked for, as it tells the others: ahead of what it first
/// sends to each in an operation, and at the table of a hall. Ranks run the
/// same program on the same kind of machine.
struct call {
  static constexpr std::uint32_t mark = 0x54525031;

  std::uint32_t marked = mark;
  operation_kind kind = operation_kind::barrier;
  gpu::element type = gpu::element::f32;
  gpu::reduction how = gpu::reduction::sum;
  algorithm by = algorithm::direct;
  std::uint64_t number = 0; ///< of the group's operations; 0 for a transfer
  std::uint64_t digest = 0; ///< of all that were asked for, this one included
  std::uint64_t count = 0;
  std::uint32_t root = 0;
  /// A transfer's receiver; else a sum of parts and holders, where there are
  /// any.
  std::uint32_t peer = 0;

  signature what() const { return {kind, type, how, count, root, peer}; }
  /// What this and all before it amount to.
  std::uint64_t digest_after(std::uint64_t before) const noexcept;

  friend bool operator==(const call&, const call&) = default;
};
static_assert(std::is_trivially_copyable_v<call> && sizeof(call) == 40);

/// "all_reduce (sum) of 25 f32 by ring, operation 7".
std::string to_string(const call& x);

/// What a rank says of another one that was asked for something else.
std::string disagreement(std::uint32_t rank, const call& mine,
    std::uint32_t peer, const call& theirs);

} // namespace troupe::collective
