#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gpu/aggregation/aggregation.hpp"
#include "gpu/buffer.hpp"
#include "gpu/device_stream.hpp"
#include "gpu/range.hpp"
#include "protocols/federated/edge.hpp"
#include "protocols/publication.hpp"
#include "protocols/run.hpp"
#include "protocols/timer.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

struct edge_options {
  std::size_t parameters = 0; ///< of the whole model
  gpu::server_options server;
  std::uint64_t credit = 1; ///< acknowledge after this many, or a while
  aggregator report_to;
  shard_id number = 0; ///< of the shard that it sums up for
  std::size_t of = 1;  ///< so many shards
  edge_id edge = 0;
  std::vector<edge_shard> below{}; ///< edges that sum up for this one
};

/// Sums what some clients contribute to a shard's range, and hands its sums in
/// once a version: whoever is above gets one of them instead of every delta.
/// Sums are exact, so that nobody can tell from the model.
///
/// A compute actor: spawn it detached.
class edge_state {
public:
  static inline const char* name = "troupe.edge";

  edge_state(edge_shard::pointer self, edge_options options);
  edge_shard::behavior_type make_behavior();

private:
  void take(const add& what);
  caf::result<handed_in> hand_over(const hand_in& what);
  void merge(const handed_in& what);
  handed_in sums();
  void acknowledge();

  edge_shard::pointer self_;
  edge_options options_;
  gpu::range range_;
  gpu::device_stream on_; ///< of the host
  gpu::aggregation sums_;
  std::vector<std::uint64_t> checksums_; ///< to be told
  timer<tick> timer_;
  std::size_t missing_ = 0; ///< edges below that have not handed in
  caf::typed_response_promise<handed_in> asked_;
};
using edge_impl = edge_shard::stateful_impl<edge_state>;

} // namespace troupe
