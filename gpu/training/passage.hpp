#pragma once

#include <cstddef>
#include <cstdint>

#include "gpu/block.hpp"
#include "gpu/buffer.hpp"
#include "gpu/models/network.hpp"
#include "gpu/operators/lane_batches.hpp"

namespace troupe::training {

/// Samples on their way through a network, those of all lanes side by side, and
/// the memory for it: everything that a step reads or leaves, but parameters.
struct passage {
  /// Of `rows` samples a lane, at rest.
  passage(const models::model& what, gpu::device_stream& on, std::size_t lanes,
      std::size_t rows);

  /// Which step and samples a lane takes next: those of `work`, from the first.
  void assign(
      gpu::device_stream& on, std::size_t lane, const gpu::lane_work& work);
  /// Takes every lane's next step and passes its samples forward: the logits.
  gpu::const_matrix forward(
      gpu::device_stream& on, gpu::const_lanes parameters);

  models::network network;
  models::trace trace;
  std::size_t width; ///< values of a sample
  gpu::block<gpu::lane_work> works;
  gpu::block<gpu::lane_step> steps;
  gpu::block<gpu::lane_tally> tallies;
  gpu::buffer features;
  gpu::block<std::uint8_t> labels;
  gpu::buffer losses;
};

/// How many samples pass together within `bytes` of workspace; at least one.
std::size_t rows_within(std::size_t bytes, const models::network& what);

} // namespace troupe::training
