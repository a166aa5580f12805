#pragma once

#include <cstdint>
#include <span>

#include "gpu/device_stream.hpp"
#include "gpu/lanes.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// What a lane works through, all of it on the lanes' device: samples of a data
/// set in some order, and the steps to take over them.
struct lane_work {
  const std::uint8_t* bytes = nullptr; ///< features, read as byte / 255; or
  const float* floats = nullptr;       ///< as they are
  const std::uint8_t* labels = nullptr;
  const std::uint32_t* order = nullptr;
  const lane_step* steps = nullptr;
  std::uint32_t next = 0; ///< step to take
  std::uint32_t end = 0;  ///< steps there are; a lane rests behind the last
};

/// What a lane's steps came to.
struct lane_tally {
  double loss = 0.0;        ///< sum over samples
  double square_loss = 0.0; ///< sum of squares over samples
  double bad_loss = 0.0;   ///< mean of the first batch whose loss is not finite
  std::uint32_t steps = 0; ///< batches completed
  std::uint32_t bad = 0;   ///< the step of that batch, from 1; 0: none
};

/// works[lane] = what, and its tally begins anew.
void assign(device_stream& on, std::span<lane_work> works,
    std::span<lane_tally> tallies, std::size_t lane, const lane_work& what);

/// Moves every lane on to its next step, which is left in `steps`.
void next_steps(
    device_stream& on, std::span<lane_work> works, std::span<lane_step> steps);

/// Copies the samples of each lane's step into its share of the rows of
/// `features` (samples x width) and of `labels`.
void gather(device_stream& on, std::span<const lane_work> works,
    std::span<const lane_step> steps, matrix features,
    std::span<std::uint8_t> labels);

/// Adds the losses of each lane's rows, first to last, to its tally.
void tally(device_stream& on, std::span<const lane_step> steps,
    std::span<const float> losses, std::span<lane_tally> tallies);

/// Sums over the rows of one lane's step, first to last.
struct lane_score {
  double loss = 0.0;
  std::uint64_t correct = 0; ///< as `count_correct` has it
};

/// Adds the loss of each row of the first `step.rows` of `logits`, and whether
/// it is right, to `sums`, one value.
void score(device_stream& on, std::span<const lane_step> step,
    const_matrix logits, std::span<const std::uint8_t> labels,
    std::span<lane_score> sums);

/// delta = trained - given; `largest`, one value, is the largest |delta|'s bits
/// as an integer orders them: at 0x7f800000 and above, one is not finite.
void difference(device_stream& on, std::span<const float> trained,
    std::span<const float> given, std::span<float> delta,
    std::span<std::uint32_t> largest);

} // namespace troupe::gpu
