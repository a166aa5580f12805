#include "runtime/collective/call.hpp"

#include <fmt/format.h>

namespace troupe::collective {

std::uint64_t call::digest_after(std::uint64_t before) const noexcept {
  auto sum = before;
  for (std::uint64_t part : {std::uint64_t{static_cast<std::uint8_t>(kind)},
           std::uint64_t{static_cast<std::uint8_t>(type)},
           std::uint64_t{static_cast<std::uint8_t>(how)},
           std::uint64_t{static_cast<std::uint8_t>(by)}, count,
           std::uint64_t{peer} << 32 | root}) {
    sum ^= part + 0x9e3779b97f4a7c15u + (sum << 6) + (sum >> 2);
    sum *= 0xbf58476d1ce4e5b9u;
    sum ^= sum >> 29;
  }
  return sum;
}

std::string to_string(const call& x) {
  auto text = to_string(x.what());
  if (x.kind == operation_kind::transfer)
    return text;
  return fmt::format("{} by {}, operation {}", text, to_string(x.by), x.number);
}

std::string disagreement(std::uint32_t rank, const call& mine,
    std::uint32_t peer, const call& theirs) {
  if (theirs.marked != call::mark)
    return fmt::format("rank {} sent what rank {} cannot read, in {}", peer,
        rank, to_string(mine));
  if (to_string(mine) == to_string(theirs) && mine.peer != theirs.peer)
    return fmt::format("rank {} and rank {} agree on {}, but not on its parts "
                       "or on who holds what",
        peer, rank, to_string(mine));
  if (to_string(mine) == to_string(theirs))
    return fmt::format("rank {} and rank {} agree on {}, but not on what was "
                       "asked for before it",
        peer, rank, to_string(mine));
  return fmt::format("rank {} asks for {}, rank {} for {}", peer,
      to_string(theirs), rank, to_string(mine));
}

} // namespace troupe::collective
