#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>

#include "actors/parallel/standing.hpp"
#include "protocols/collective/group.hpp"
#include "protocols/parallel/messages.hpp"
#include "protocols/parallel/plan.hpp"

namespace troupe::parallel {

/// What a rank's part of a step came to.
struct step_sums {
  std::uint64_t samples = 0;
  double loss = 0.0;      ///< over these
  double computing = 0.0; ///< seconds
};

/// A step that cannot be made: its gradient is not finite.
class step_not_finite : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// How a rank makes its steps so that they agree with those of the others: the
/// arithmetic of a plan's `sync`, over a group. One for each composition, and
/// so is the group; both belong to the rank's thread.
class agreement {
public:
  virtual ~agreement() = default;

  /// All ranks begin with what the root has, or is given, or with step 0.
  virtual void begin(standing& at, const muster& from);

  /// Step `at.step()`, which all ranks make. Throws `collective::group_error`,
  /// the step then not made, or `step_not_finite`.
  virtual step_sums make(standing& at) = 0;

  /// The parameters that are scored and kept, on the rank's device: where each
  /// has some of its own, made of all of them, by all of them.
  virtual std::span<const float> parameters(standing& at) {
    return at.parameters();
  }

  /// What is kept, on the host; the first rank's counts.
  virtual state_held save(standing& at);

protected:
  agreement(const plan& how, collective::group& with);

  const plan& how() const noexcept { return how_; }
  collective::group& with() const noexcept { return with_; }
  const share& mine() const noexcept { return mine_; }
  std::size_t rows() const noexcept { return how_.batch / how_.micro_batches; }
  /// The gradient of the mean over the rank's own part of the batch, left in
  /// `to`, and what its samples lose; steps of its own are made with it.
  step_sums own_gradient(standing& at, std::span<float> to);
  /// The mean of all ranks' parameters, each by its part of the batch.
  void mean_of_all(standing& at, gpu::buffer& to);
  /// Makes step `at.step()` with a gradient of its own.
  void own_step(standing& at, std::span<const float> gradient);

private:
  plan how_;
  collective::group& with_;
  share mine_;
};

/// Throws `std::invalid_argument` for what a plan of so many ranks cannot be.
std::unique_ptr<agreement> make_agreement(
    const plan& how, collective::group& with);

// By what they agree on; `make_agreement` chooses.
std::unique_ptr<agreement> agree_on_gradients(
    const plan& how, collective::group& with);
std::unique_ptr<agreement> agree_on_shards(
    const plan& how, collective::group& with);
std::unique_ptr<agreement> agree_through_shards(
    const plan& how, collective::group& with);
std::unique_ptr<agreement> agree_on_parameters(
    const plan& how, collective::group& with);
std::unique_ptr<agreement> agree_in_pairs(
    const plan& how, collective::group& with);

/// What a gradient of these tiles is to be multiplied by; throws
/// `step_not_finite` where they are not finite.
float scale_of(std::span<const double> tiles, float clip, std::uint64_t step);

} // namespace troupe::parallel
