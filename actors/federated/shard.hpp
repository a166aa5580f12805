#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gpu/aggregation/aggregation.hpp"
#include "gpu/buffer.hpp"
#include "gpu/device_stream.hpp"
#include "gpu/range.hpp"
#include "protocols/blocks.hpp"
#include "protocols/federated/edge.hpp"
#include "protocols/publication.hpp"
#include "protocols/run.hpp"
#include "protocols/timer.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

struct shard_options {
  gpu::shared_buffer parameters; ///< all, to start from; on the host
  named_blocks blocks;           ///< likewise, that the server keeps
  gpu::server_options server;
  std::uint64_t credit = 1; ///< acknowledge after this many, or a while
  aggregator report_to;
  gpu::device where{}; ///< where it adds; the bits are the same anywhere
  shard_id number = 0;
  std::size_t of = 1;              ///< so many shards
  std::vector<edge_shard> edges{}; ///< that sum up for it
};

/// Owns a range of the model, as named blocks, and the aggregation that makes
/// what the clients contributed to it the next version; neither the order of
/// arrival nor the device, nor how many share the model, changes a bit. A GPU
/// adds several contributions in one pass over the sums, as many as the credit
/// lets it keep waiting.
///
/// Where edges sum up for it, it asks each of them for its sums before it
/// publishes; they are exact, so that the bits are those of one shard.
///
/// Contributions are acknowledged by their checksums, by the handful or soon.
///
/// A contribution with a base is mixed with the current parameters here, before
/// it is added. None is refused: the aggregator admits what can be summed, for
/// all shards at once (`publication::ledger`).
///
/// A compute actor: spawn it detached.
class shard_state {
public:
  static inline const char* name = "troupe.shard";

  shard_state(shard::pointer self, shard_options options);
  shard::behavior_type make_behavior();

private:
  /// Of a contribution, the part that is this shard's.
  struct waiting {
    gpu::shared_buffer held;
    std::span<const float> values;
    double weight = 0.0;
    double share = 0.0;
    double drift = 0.0;
  };

  void take(add& what);
  void add_up();
  void ring(const tick& what);
  void gather(const publish& what);
  void merge(const handed_in& what);
  void round(const publish& what);
  void forget();
  void acknowledge();
  gpu::server_blocks<const float> current() const;
  waiting brought(gpu::shared_buffer block);
  waiting mixed(const waiting& delta, const gpu::shared_buffer& base);

  shard::pointer self_;
  shard_options options_;
  gpu::range range_;
  gpu::device_stream on_;
  gpu::aggregation sums_;
  std::size_t together_;                 ///< contributions of one pass
  std::vector<waiting> waiting_;         ///< to be added
  std::vector<std::uint64_t> checksums_; ///< to be told
  timer<tick> timer_;
  std::optional<publish> asked_; ///< once all edges have answered
  std::size_t missing_ = 0;      ///< of these
};
using shard_impl = shard::stateful_impl<shard_state>;

} // namespace troupe
