#include "protocols/parallel/plan.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>

namespace troupe::parallel {
namespace {

constexpr std::array<const char*, syncs> names{
    "all_reduce", "parameter_server", "local_sgd", "diloco", "gossip"};

} // namespace

const char* to_string(sync how) noexcept {
  return names[static_cast<std::size_t>(how)];
}

std::optional<sync> sync_named(std::string_view name) noexcept {
  const auto found = std::ranges::find(names, name);
  if (found == names.end())
    return {};
  return static_cast<sync>(found - names.begin());
}

share share_of(
    std::uint32_t micro_batches, std::uint32_t ranks, std::uint32_t rank) {
  assert(rank < ranks && "a rank of those there are");
  // As `collective::side_by_side` has them, without counting them all.
  const auto begin = [&](std::uint64_t r) {
    return static_cast<std::uint32_t>((r * micro_batches + ranks - 1) / ranks);
  };
  return {begin(rank), begin(rank + std::uint64_t{1}) - begin(rank)};
}

} // namespace troupe::parallel
