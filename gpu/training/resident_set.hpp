#pragma once

#include <memory>

#include "gpu/block.hpp"
#include "gpu/operators/lane_batches.hpp"
#include "gpu/training/dataset.hpp"

namespace troupe::training {

/// A data set where a device can read it: brought there once, or the set itself
/// on a CPU. Immutable.
class resident_set {
public:
  /// Waits until the set is there.
  resident_set(shared_dataset set, gpu::device_stream& on);

  const shared_dataset& set() const noexcept { return set_; }
  /// Where features and labels are; nothing to do yet.
  gpu::lane_work work() const noexcept { return work_; }

private:
  template <class T>
  const T* bring(
      const std::vector<T>& values, gpu::block<T>& to, gpu::device_stream& on);

  shared_dataset set_;
  gpu::block<std::uint8_t> bytes_;
  gpu::block<float> floats_;
  gpu::block<std::uint8_t> labels_;
  gpu::lane_work work_;
};

} // namespace troupe::training
