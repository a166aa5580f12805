#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gpu/aggregation/accumulator.hpp"
#include "gpu/aggregation/server_step.hpp"
#include "gpu/buffer.hpp"
#include "gpu/device_stream.hpp"

namespace troupe::gpu {

/// One weighted update, as `accumulator::add` takes it; on a stream's device.
struct contribution {
  std::span<const float> values;
  double weight = 0.0;
  double share = 0.0;
};

/// An `accumulator` whose sums live on a device: the same contract, the same
/// answers and the same bits, whatever the device. On a CPU it is one.
///
/// On a GPU a batch of contributions is one pass over memory: for each 128 of
/// them every update is read once, and every sum read and written once: 4 bytes
/// a value and 16 a parameter. The same pass finds each update's largest
/// magnitude. Sums are modular, so what turns out to be inadmissible is taken
/// back exactly by a second pass; that is rare.
///
/// All calls name a stream of the device that it was made on, and come in one
/// order: from one stream, or with a `synchronise` between two.
class device_accumulator {
public:
  /// Empty, on the stream's device, for a range that begins at `first`. Throws
  /// where that has no room.
  device_accumulator(
      device_stream& on, std::size_t size, std::size_t first = 0);

  std::size_t size() const noexcept { return size_; }
  device where() const noexcept { return where_; }
  std::uint64_t contributions() const noexcept;
  double weight() const noexcept;
  double share() const noexcept;
  double reach() const noexcept;
  /// Of the sums, read anew. Waits for the stream.
  std::uint64_t checksum(device_stream& on) const;

  /// Adds them in order and says what became of each. Waits for the stream.
  std::vector<receipt> add(
      device_stream& on, std::span<const contribution> some);
  /// Adds what one on the host has summed. Waits for the stream.
  admission merge(device_stream& on, const accumulator& other);
  /// The same sums on the host. Waits for the stream.
  accumulator save(device_stream& on) const;
  void clear(device_stream& on);

  /// out[i] = base[i] + rate * sum[i] / share(), rounded once, as
  /// `accumulator::publish` has it; `out` may be `base`.
  void publish(device_stream& on, std::span<const float> base, double rate,
      std::span<float> out) const;
  /// Multiples of 2^-41, on the device. Last as long as nothing is added.
  std::span<const std::int64_t> exact_sums() const noexcept;
  /// The average before it is rounded; requires what `publish` does. Lasts as
  /// long as nothing is added.
  exact_mean mean() const noexcept;
  /// The average, rounded once to float; requires what `publish` does.
  void average(device_stream& on, std::span<float> out) const;

private:
  const accumulator_totals& totals() const noexcept { return host_.totals_; }
  void add_batch(device_stream& on, std::span<const contribution> some,
      std::span<receipt> said);
  std::span<std::int64_t> sums() const noexcept;

  std::size_t size_;
  device where_;
  accumulator host_;    // on a GPU only its totals count
  mutable buffer sums_; // two floats hold one sum
};

} // namespace troupe::gpu
