#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gpu/buffer.hpp"
#include "gpu/device_stream.hpp"
#include "gpu/models/model.hpp"
#include "gpu/training/learner.hpp"

namespace troupe::training {

/// Trains many clients of one model side by side on one device: each *lane*
/// holds one client's parameters, and a step is one launch of every operator
/// for all lanes, because a single small model leaves a GPU idle. A lane skips
/// what it has no samples for, so a client's bits depend neither on who shares
/// the steps nor on the lane.
///
///     enter(lane) ─► advance … advance ─► take(lane), free again
///                      └ leave(lane) drops the work
///
/// Everything is queued on `stream()` and nothing waits for it, but `take` and
/// `take_score`: call those once the stream has passed the `advance` or `score`
/// that they belong to (`device_stream::notify`). Several may be under way.
/// Belongs to one thread. Throws `gpu::out_of_memory` when the device has no
/// room; the cohort is then as before.
class cohort {
public:
  /// All assignments have the recipe `how`, but for its epochs and steps, which
  /// are each lane's own. A batch that would take too much
  /// memory goes through in parts, whose size depends on the model alone.
  /// Throws `std::invalid_argument` for products in bf16 on a CPU.
  cohort(models::model what, gpu::device where, std::size_t lanes, recipe how,
      gpu::precision products = gpu::precision::fp32);
  ~cohort();

  gpu::device_stream& stream() noexcept;
  std::size_t lanes() const noexcept;

  /// Begins an assignment in a free lane, from `given`: parameters on the host,
  /// which are brought to the device once a version. Throws
  /// `std::invalid_argument` when the data do not fit the model, or a cohort
  /// has not the method.
  void enter(std::size_t lane, const gpu::shared_buffer& given,
      const assignment& work);
  /// Has a lane end with the batch that was queued last, if it is whole: that
  /// is its update then, if it is less than all.
  void cut(std::size_t lane);
  /// Drops what a lane is at; it is free at once.
  void leave(std::size_t lane);
  /// A lane is at work, or through and not taken yet.
  bool busy(std::size_t lane) const;

  /// Queues steps for all lanes, at least one and at most `steps`, up to the
  /// point where the first lane is through; returns the lanes that are then.
  /// Without a lane at work it queues nothing.
  std::vector<std::size_t> advance(std::size_t steps);

  struct result {
    outcome sums;
    gpu::shared_buffer delta; ///< trained - given, on the device
    float largest = 0.0f;     ///< |delta|
  };
  /// What a lane that is through has made; frees it. Throws what failed this
  /// client: a loss or parameters that are not finite, as `trainer` says it.
  result take(std::size_t lane);

  /// Queues the evaluation of some samples; answers are taken in this order.
  void score(const gpu::shared_buffer& parameters, const view& data);
  evaluation take_score();

private:
  class state;
  std::unique_ptr<state> state_;
};

} // namespace troupe::training
