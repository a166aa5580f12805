#pragma once

#include <string>

#include "gpu/accumulator.hpp"
#include "gpu/buffer.hpp"
#include "protocols/ids.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/local.hpp"

namespace troupe {

/// Aggregator to shard: sum[i] += weight * delta[i]; denominator += share. With
/// a base, models are mixed: what counts is (base + delta) - current, in float,
/// and where the current version is the base, that is the delta.
struct add {
  lease_id lease = 0;
  client_id client = 0;
  gpu::shared_buffer delta;
  double weight = 0.0;
  double share = 0.0;
  gpu::shared_buffer base{}; ///< null: the delta counts as it is
};

/// Shard to aggregator: this many more contributions are in, their memory is
/// free again.
struct added {
  std::uint64_t count = 0;
};

/// Shard to aggregator: a contribution was not added, and changed nothing.
struct refused {
  lease_id lease = 0;
  client_id client = 0;
  gpu::admission why = gpu::admission::added;
};

/// Aggregator to shard: round what was added into version `version`.
struct publish {
  version_id version = 0;
  double scale = 1.0; ///< of the server's learning rate
};

/// Aggregator to shard: forget what was added since the last version.
struct discard {
  template <class Inspector>
  friend bool inspect(Inspector& f, discard& x) {
    return f.object(x).fields();
  }
};

/// Shard to aggregator. The parameters are those of the version before if
/// nothing had been added.
struct published {
  version_id version = 0;
  gpu::shared_buffer parameters;
};

template <class Inspector>
bool inspect(Inspector& f, add&) {
  return refuse_to_serialise(f, "troupe::add");
}
template <class Inspector>
bool inspect(Inspector& f, added& x) {
  return f.object(x).fields(f.field("count", x.count));
}
template <class Inspector>
bool inspect(Inspector& f, refused& x) {
  auto code = static_cast<std::uint8_t>(x.why);
  return f.object(x).fields(f.field("lease", x.lease),
             f.field("client", x.client), f.field("why", code)) &&
         (x.why = static_cast<gpu::admission>(code), true);
}
template <class Inspector>
bool inspect(Inspector& f, publish& x) {
  return f.object(x).fields(
      f.field("version", x.version), f.field("scale", x.scale));
}
template <class Inspector>
bool inspect(Inspector& f, published&) {
  return refuse_to_serialise(f, "troupe::published");
}

} // namespace troupe
