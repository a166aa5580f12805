#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gpu/buffer.hpp"
#include "gpu/optimisers/optimiser.hpp"
#include "gpu/training/replica.hpp"
#include "gpu/training/sample_order.hpp"
#include "protocols/parallel/plan.hpp"
#include "protocols/parallel/state_held.hpp"

namespace troupe::parallel {

/// What a rank trains, and trains on.
struct assignment {
  models::model model;
  training::view data;
  gpu::shared_buffer initial{}; ///< of step 0; null: drawn from the seed
};

/// Where a rank stands: its replica, the parameters, what its optimiser keeps
/// of them, and how many steps are in all of it. All blocks are on its device.
/// Belongs to one thread.
class standing {
public:
  standing(const plan& how, const assignment& what, gpu::device where);

  const plan& how() const noexcept { return how_; }
  training::replica& replica() noexcept { return replica_; }
  gpu::device_stream& stream() noexcept { return replica_.stream(); }
  const gpu::layout& layout() const noexcept { return replica_.parameters(); }
  std::size_t size() const noexcept { return parameters_.size(); }
  std::span<float> parameters() noexcept { return parameters_.span(); }
  std::uint64_t step() const noexcept { return step_; }
  void completed(std::uint64_t step) noexcept { step_ = step; }

  /// Of what the optimiser keeps, this range alone; what it kept is void.
  void keep(const gpu::range& own);
  const gpu::range& kept() const noexcept { return kept_; }

  /// Step 0, as the seed has it.
  void begin();
  /// Goes on from what was handed over, all of it, of which it keeps its range.
  void load(const state_held& from);
  /// What all blocks of such a state are called, beside the parameters.
  const std::vector<std::string>& blocks() const noexcept { return names_; }
  /// On the host, a copy, with these parameters; of what the optimiser keeps,
  /// the range that it has.
  state_held save(std::span<const float> parameters);
  gpu::shared_buffer copied(std::span<const float> from);

  /// Adds to `to` alpha times the gradient of these samples, which are
  /// [first, first + count) of all that the run ever takes, of a mean over `of`
  /// of them; answers with the sum of their losses.
  double gradient(std::uint64_t first, std::size_t count, std::size_t of,
      gpu::gradient_sink to);
  /// The optimiser's step `number` of a range that it keeps.
  void descend(std::uint64_t number, float scale, const gpu::range& part,
      std::span<const float> gradient, std::span<float> parameters);

  // What diloco keeps beside: where all agreed last, and its outer momentum.
  std::span<float> anchor() noexcept { return more_.front().span(); }
  std::span<float> outer_momentum() noexcept { return more_.back().span(); }

private:
  gpu::buffer& block(std::size_t number);

  plan how_;
  training::view data_;
  gpu::shared_buffer initial_;
  training::replica replica_;
  training::sample_order order_;
  std::vector<std::uint32_t> samples_;
  std::unique_ptr<gpu::optimiser> optimiser_;
  gpu::buffer parameters_;
  gpu::range kept_;
  std::vector<gpu::buffer> states_; ///< of `kept_`
  std::vector<gpu::buffer> more_;   ///< whole
  std::vector<std::string> names_;  ///< of both
  std::uint64_t step_ = 0;
};

} // namespace troupe::parallel
