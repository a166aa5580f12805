#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "gpu/aggregation/device_accumulator.hpp"
#include "gpu/aggregation/server_step.hpp"
#include "gpu/device_stream.hpp"
#include "gpu/range.hpp"

namespace troupe::gpu {

/// How contributions to some parameters become their next version: the exact
/// mean first, then what the server does with it. Neither the order of arrival
/// nor the device, nor which range of a model it is, changes a bit.
///
/// Holds sums alone: what a server keeps from version to version are blocks of
/// that version, on the host, as the parameters are.
class aggregation {
public:
  /// Empty, for a range of a model's parameters, on the stream's device.
  aggregation(device_stream& on, const server_options& how, const range& of);

  std::size_t contributions() const noexcept { return sums_.contributions(); }
  /// As `device_accumulator::add`.
  std::vector<receipt> add(
      device_stream& on, std::span<const contribution> some) {
    return sums_.add(on, some);
  }
  void clear(device_stream& on) { sums_.clear(on); }

  /// Writes the blocks of the next version from those of the one before, at
  /// `scale` times the server's learning rate, and begins anew. The same values
  /// if nothing was added. What the server keeps may be stepped in place. Says
  /// what it summed up.
  sum_total publish(device_stream& on, const server_blocks<const float>& from,
      double scale, const server_blocks<float>& to);

private:
  void step(device_stream& on, const server_options& how,
      const server_blocks<const float>& from, const server_blocks<float>& to);

  server_options how_;
  device_accumulator sums_;
};

} // namespace troupe::gpu
