#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "gpu/aggregation/accumulator.hpp"
#include "gpu/aggregation/variate_step.hpp"
#include "gpu/buffer.hpp"
#include "protocols/fields.hpp"
#include "protocols/ids.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/local.hpp"
#include "protocols/tensor.hpp"

namespace troupe {

/// Aggregator to every shard: sum[i] += weight * delta[i]; denominator +=
/// share. With a base, models are mixed: what counts is (base + delta) -
/// current, in float, and where the current version is the base, that is the
/// delta.
struct add {
  lease_id lease = 0;
  client_id client = 0;
  tensor delta;
  double weight = 0.0;
  double share = 0.0;
  tensor base{};      ///< null: the delta counts as it is
  double drift = 0.0; ///< its weight in the server's variate
};

/// Shard to aggregator: so many more contributions are in, in the order in
/// which they came, and it needs their memory no more.
struct added {
  shard_id shard = 0;
  std::vector<std::uint64_t> checksums; ///< linear, of its range of each
};

/// Blocks on the host that a version will be in. They are made for the first
/// shard that asks, which has added up everything: contributions and the next
/// version are not in memory at the same time.
class next_blocks {
public:
  struct blocks {
    std::shared_ptr<gpu::buffer> parameters;
    /// What the server keeps, in the order of `gpu::state_names`.
    std::vector<std::shared_ptr<gpu::buffer>> state;
  };

  next_blocks(std::size_t values, std::size_t states)
      : values_(values), states_(states) {}

  /// From any thread; throws `std::bad_alloc`.
  const blocks& get() {
    std::call_once(once_, [this] {
      made_.parameters = std::make_shared<gpu::buffer>(values_);
      for (std::size_t i = 0; i < states_; ++i)
        made_.state.push_back(std::make_shared<gpu::buffer>(values_));
    });
    return made_;
  }

private:
  std::size_t values_, states_;
  std::once_flag once_;
  blocks made_;
};

/// Aggregator to every shard: make what was added version `version`, each its
/// range of every block.
struct publish {
  version_id version = 0;
  std::shared_ptr<next_blocks> into;
  double scale = 1.0; ///< of the server's learning rate
  gpu::variate_step variate{};
};

/// Aggregator to every shard: forget what was added since the last version.
struct discard {
  template <class Inspector>
  friend bool inspect(Inspector& f, discard& x) {
    return f.object(x).fields();
  }
};

/// Shard to aggregator: its range of the version is there, which is that of the
/// version before if nothing had been added.
struct published {
  version_id version = 0;
  shard_id shard = 0;
  float step = 0.0f;    ///< the largest change of a parameter, or NaN
  gpu::sum_total sum{}; ///< of its range
};

template <class Inspector>
bool inspect(Inspector& f, add& x) {
  return f.object(x).fields(f.field("lease", x.lease),
      f.field("client", x.client), f.field("delta", x.delta),
      exactly(f, "weight", x.weight), exactly(f, "share", x.share),
      f.field("base", x.base), exactly(f, "drift", x.drift));
}
template <class Inspector>
bool inspect(Inspector& f, added& x) {
  return f.object(x).fields(
      f.field("shard", x.shard), f.field("checksums", x.checksums));
}
template <class Inspector>
bool inspect(Inspector& f, publish&) {
  return refuse_to_serialise(f, "troupe::publish");
}
template <class Inspector>
bool inspect(Inspector& f, published& x) {
  return f.object(x).fields(f.field("version", x.version),
      f.field("shard", x.shard), exactly(f, "step", x.step),
      exactly(f, "weight", x.sum.weight), exactly(f, "share", x.sum.share),
      f.field("checksum", x.sum.checksum));
}

} // namespace troupe
