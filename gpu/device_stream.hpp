#pragma once

#include <functional>
#include <memory>

#include "gpu/device.hpp"
#include "gpu/precision.hpp"
#include "gpu/source_location.hpp"

namespace troupe::gpu {

namespace cuda {
class stream;
}

/// The order in which one device works through operators. Every operator takes
/// one, and all its operands are on the stream's device. On a CPU an operator
/// is done when it returns; on a GPU it is queued, and done when `synchronise`
/// has returned. Belongs to one thread; move-only.
class device_stream {
public:
  /// Products have their operands in `products`. Throws `std::runtime_error`
  /// where there is no such device, `std::invalid_argument` for bf16 on a CPU.
  explicit device_stream(
      device where = {}, precision products = precision::fp32);
  device_stream(device_stream&&) noexcept = default;
  device_stream& operator=(device_stream&&) noexcept = default;

  device where() const noexcept { return where_; }
  bool on_gpu() const noexcept { return where_.kind == device_kind::cuda; }
  precision products() const noexcept { return products_; }

  /// Waits until all that was asked of this stream is done. Errors name `at`.
  void synchronise(source_location at = source_location::current());
  /// Calls `then` once all that was asked of this stream so far is done: from
  /// a thread of the driver's, where it may neither throw nor use operators.
  /// On a CPU, at once. A device that fails before that never calls it, and
  /// nobody says so: whoever must know asks again after a while, which throws
  /// then. What was never called is dropped with the stream.
  void notify(std::function<void()> then,
      source_location at = source_location::current());

  /// The CUDA side; null on a CPU.
  const std::shared_ptr<cuda::stream>& cuda() const noexcept { return cuda_; }

private:
  device where_;
  precision products_;
  std::shared_ptr<cuda::stream> cuda_;
};

} // namespace troupe::gpu
