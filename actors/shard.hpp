#pragma once

#include <cstdint>
#include <vector>

#include "gpu/aggregation/device_accumulator.hpp"
#include "gpu/buffer.hpp"
#include "gpu/device_stream.hpp"
#include "protocols/publication.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

struct shard_options {
  gpu::shared_buffer parameters; ///< of the version to start from; on the host
  double server_lr = 1.0;
  std::uint64_t credit = 1; ///< acknowledge after this many contributions
  aggregator report_to;
  gpu::device where = {}; ///< where it adds; the bits are the same anywhere
};

/// Owns the parameters and the exact sum of what the clients contributed.
/// Rounds once, at publication; neither the order of arrival nor the device
/// changes a bit. A GPU adds several contributions in one pass over the sums,
/// as many as the credit lets it keep waiting.
/// A contribution with a base is mixed with the current parameters here, before
/// it is added. A compute actor: spawn it detached.
class shard_state {
public:
  static inline const char* name = "troupe.shard";

  shard_state(shard::pointer self, shard_options options);
  shard::behavior_type make_behavior();

private:
  void take(add& what);
  void add_up();
  void round(const publish& what);
  void forget();
  void acknowledge();
  gpu::shared_buffer rounded(double rate);
  gpu::shared_buffer bring(gpu::shared_buffer block);
  gpu::shared_buffer mixed(const add& what);

  shard::pointer self_;
  shard_options options_;
  gpu::device_stream on_;
  gpu::device_accumulator sums_;
  std::size_t together_;     ///< contributions of one pass
  std::vector<add> waiting_; ///< to be added
  std::uint64_t unacknowledged_ = 0;
};
using shard_impl = shard::stateful_impl<shard_state>;

} // namespace troupe
