#pragma once

#include <cstdint>
#include <string>

#include "gpu/collective/collective.hpp"

namespace troupe::collective {

using member_id = std::uint32_t;        ///< a GPU that takes part
using epoch_id = std::uint64_t;         ///< of one composition; 0: none
using operation_number = std::uint64_t; ///< from 0 in every epoch

/// What the members of an epoch do together. A transfer is a send and its
/// receive; whoever is neither end counts it and passes. Append-only.
enum class operation_kind : std::uint8_t {
  all_reduce,
  reduce,
  broadcast,
  all_gather,
  reduce_scatter,
  all_to_all,
  gather,
  scatter,
  transfer,
  barrier,
};
inline constexpr std::uint8_t operation_kinds = 10;
const char* to_string(operation_kind kind) noexcept;

/// A field that holds one of the first `values` of an enumeration.
template <class Inspector, std::size_t N, class Enum>
auto choice(Inspector& f, const char (&name)[N], Enum& x, std::uint8_t values) {
  return f.field(
      name, [&x] { return static_cast<std::uint8_t>(x); },
      [&x, values](std::uint8_t value) {
        x = static_cast<Enum>(value);
        return value < values;
      });
}

/// What must be the same at every member for an operation to end.
struct signature {
  operation_kind kind = operation_kind::barrier;
  gpu::element type = gpu::element::f32;
  gpu::reduction how = gpu::reduction::sum;
  /// Elements of one rank's part: what all_gather and gather take, what
  /// reduce_scatter and scatter give, what all_to_all sends to each.
  std::uint64_t count = 0;
  std::uint32_t root = 0; ///< a rank; a transfer's sender
  std::uint32_t peer = 0; ///< a transfer's receiver

  friend bool operator==(const signature&, const signature&) = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, signature& x) {
    return f.object(x).fields(choice(f, "kind", x.kind, operation_kinds),
        choice(f, "type", x.type, gpu::element_types),
        choice(f, "how", x.how, gpu::reductions), f.field("count", x.count),
        f.field("root", x.root), f.field("peer", x.peer));
  }
};
/// "all_reduce (maximum) of 25 f32", "broadcast of 3 f32 from rank 1".
std::string to_string(const signature& x);

} // namespace troupe::collective
