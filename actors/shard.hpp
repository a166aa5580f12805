#pragma once

#include <cstdint>
#include <map>

#include "gpu/accumulator.hpp"
#include "gpu/buffer.hpp"
#include "gpu/device_stream.hpp"
#include "protocols/publication.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

struct shard_options {
  gpu::shared_buffer parameters; ///< of the version to start from
  double server_lr = 1.0;
  std::uint64_t credit = 1; ///< acknowledge after this many contributions
  aggregator report_to;
};

/// Owns the parameters and the exact sum of what the clients contributed.
/// Rounds once, at publication; the order of arrival never changes a bit.
/// A compute actor: spawn it detached.
class shard_state {
public:
  static inline const char* name = "troupe.shard";

  shard_state(shard::pointer self, shard_options options);
  shard::behavior_type make_behavior();

private:
  void add_up(const add& what);
  void round(version_id version);
  void acknowledge();
  gpu::shared_buffer on_host(gpu::shared_buffer delta);

  shard::pointer self_;
  shard_options options_;
  gpu::accumulator sums_;
  std::map<int, gpu::device_stream> streams_; ///< by GPU
  std::uint64_t unacknowledged_ = 0;
};
using shard_impl = shard::stateful_impl<shard_state>;

} // namespace troupe
