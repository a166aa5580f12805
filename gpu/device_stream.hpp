#pragma once

#include "gpu/device.hpp"

namespace troupe::gpu {

/// The order in which one device works through operators. Every operator takes
/// one, and all its operands are on the stream's device. On a CPU an operator
/// is done when it returns; elsewhere it is when `synchronise` has returned.
/// Belongs to one thread; move-only.
class device_stream {
public:
  explicit device_stream(device where = {});
  device_stream(device_stream&&) noexcept = default;
  device_stream& operator=(device_stream&&) noexcept = default;

  device where() const noexcept { return where_; }
  /// Waits until all that was asked of this stream is done.
  void synchronise() {}

private:
  device where_;
};

} // namespace troupe::gpu
