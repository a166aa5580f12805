#pragma once

#include <cstddef>
#include <span>

namespace troupe::collective {

/// Moves bytes between this rank and one other, both ways and in order; spans
/// need not be cut alike at both ends. Belongs to one thread and never waits:
/// whoever has more to move comes again. A broken channel moves nothing; its
/// wire says why.
class channel {
public:
  virtual ~channel() = default;

  /// Takes the first bytes of `from`, as many as go now. They may be written to
  /// again.
  virtual std::size_t send(std::span<const std::byte> from) = 0;
  /// Fills the begin of `to` with as much as has come.
  virtual std::size_t receive(std::span<std::byte> to) = 0;
};

} // namespace troupe::collective
