#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>

#include "gpu/device_stream.hpp"
#include "gpu/layout.hpp"
#include "gpu/models/model.hpp"
#include "gpu/range.hpp"
#include "gpu/tensor.hpp"
#include "gpu/training/dataset.hpp"
#include "gpu/training/learner.hpp"

namespace troupe::training {

/// A model as one rank of several computes with it: gradients of micro-batches,
/// and scores. It has no parameters of its own; they are passed in as one flat
/// block on its device. Belongs to one thread.
class replica {
public:
  /// Throws `std::invalid_argument` when the layers do not fit together.
  replica(models::model what, gpu::device where);
  ~replica();
  replica(replica&&) noexcept;

  gpu::device_stream& stream() noexcept;
  const gpu::layout& parameters() const noexcept;
  /// Writes the parameters of step 0, on the host, a function of `seed` alone;
  /// the same as `trainer` begins with.
  void initialise(std::span<float> parameters, std::uint64_t seed) const;

  /// Hears of each range of the gradient that is final, as soon as what makes
  /// it so is queued on the stream: from the last layer to the first, one
  /// behind the other without gaps.
  using word = std::function<void(const gpu::range&)>;

  /// to = alpha g + beta to, where g is the gradient by the parameters of the
  /// mean loss over a batch of `of` samples, as far as the `samples` of `data`
  /// have a part in it: the sum over their losses' gradients, divided by `of`.
  /// Rows that would take too much workspace together pass in parts, whose size
  /// depends on the model alone. Answers with the sum of their losses before
  /// the step; waits for the stream. One that is not finite is said by the
  /// answer, and not thrown.
  double gradient(std::span<const float> parameters, const view& data,
      std::span<const std::uint32_t> samples, std::size_t of,
      gpu::gradient_sink to, const word& ready = {});

  /// Sums loss and correct predictions over `data`, as a `learner` does.
  evaluation evaluate(std::span<const float> parameters, const view& data,
      std::stop_token stop = {});

private:
  class state;
  std::unique_ptr<state> state_;
};

} // namespace troupe::training
