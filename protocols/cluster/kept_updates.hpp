#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "gpu/buffer.hpp"
#include "gpu/device.hpp"
#include "protocols/ids.hpp"
#include "protocols/training.hpp"

namespace troupe::cluster {

/// All that decides what training comes to, within one run: the same of it
/// gives the same bits.
struct training_order {
  client_id client = 0;
  version_id base = 0;
  std::uint32_t work = 0;
  gpu::device_kind kind = gpu::device_kind::cpu;
  gpu::shared_buffer parameters; ///< on the host
  gpu::shared_buffer state{}; ///< the client's, before; none where it has none
  gpu::shared_buffer variate{}; ///< the server's, likewise
};

/// What a node has trained and no durable version holds yet, for all that it
/// knows. A coordinator that comes back leases again what its crash undid;
/// where that is an order which was carried out here before, by content and not
/// by name, its update is handed in and not trained again.
///
///     keep ──► kept ──find──► handed in, and kept
///                └─forget_before, another update of its client and base─► gone
///
/// Bounded by bytes: while it is full, what comes is not kept, since the oldest
/// are those that will be asked for first. A value: knows no clock and no
/// actor.
class kept_updates {
public:
  kept_updates() = default; ///< keeps none
  explicit kept_updates(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// What came of an order; not what was stopped midway.
  void keep(const training_order& order, const trained& what);
  /// What came of this very order, for whichever lease.
  std::optional<trained> find(const training_order& order);
  /// This version is durable: no update to an older one can be asked for.
  void forget_before(version_id durable);

  std::size_t size() const noexcept { return kept_.size(); }
  /// Of all tensors that it holds, each once.
  std::size_t bytes() const noexcept { return bytes_; }

private:
  struct entry {
    training_order order;
    trained what;
  };

  using all = std::map<std::pair<version_id, client_id>, entry>;

  all::iterator drop(all::iterator what);
  void use(const gpu::shared_buffer& base, std::size_t times);
  void unuse(const gpu::shared_buffer& base, std::size_t times);
  bool is_base_of(entry& one, const gpu::shared_buffer& parameters);

  std::size_t most_bytes_ = 0;
  std::size_t bytes_ = 0;
  std::map<const gpu::buffer*, std::size_t> uses_; ///< of bases
  all kept_;
};

} // namespace troupe::cluster
