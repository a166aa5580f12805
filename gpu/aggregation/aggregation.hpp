#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "gpu/aggregation/device_accumulator.hpp"
#include "gpu/aggregation/server_step.hpp"
#include "gpu/device_stream.hpp"
#include "gpu/range.hpp"

namespace troupe::gpu {

/// How contributions to some parameters become their next version: the exact
/// mean first, then what the server does with it; and how they move the
/// server's variate, if it keeps one, by an exact sum of its own. Neither the
/// order of arrival nor the device, nor which range of a model it is, changes a
/// bit.
///
/// Holds sums alone: what a server keeps from version to version are blocks of
/// that version, on the host, as the parameters are.
class aggregation {
public:
  /// Empty, for a range of a model's parameters, on the stream's device.
  aggregation(device_stream& on, const server_options& how, const range& of);

  std::size_t contributions() const noexcept { return sums_.contributions(); }
  /// As `device_accumulator::add`; `drifts` is what each weighs in the variate,
  /// or empty.
  std::vector<receipt> add(device_stream& on,
      std::span<const contribution> some, std::span<const double> drifts = {});
  void clear(device_stream& on);

  /// What it holds, on the host; and begins anew.
  struct held {
    accumulator sums;
    std::optional<accumulator> drift; ///< for a variate
  };
  held hand_over(device_stream& on);
  /// Adds what another one of the same range held, or says why not.
  admission merge(device_stream& on, const accumulator& sums,
      const accumulator* drift = nullptr);

  /// Writes the blocks of the next version from those of the one before, at
  /// `scale` times the server's learning rate, its variate moved by `moved`,
  /// and begins anew. The same values
  /// if nothing was added. What the server keeps may be stepped in place. Says
  /// what it summed up.
  sum_total publish(device_stream& on, const server_blocks<const float>& from,
      double scale, const server_blocks<float>& to,
      const variate_step& moved = {});

private:
  void step(device_stream& on, const server_options& how,
      const variate_step& moved, const server_blocks<const float>& from,
      const server_blocks<float>& to);

  server_options how_;
  device_accumulator sums_;
  std::optional<device_accumulator> drift_; ///< for a variate
};

} // namespace troupe::gpu
