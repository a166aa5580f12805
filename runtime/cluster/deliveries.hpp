#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "runtime/cluster/parcel.hpp"
#include "runtime/cluster/shelf.hpp"

namespace troupe::cluster {

/// What the other end of one channel has asked for and not got yet, and which
/// piece goes next: tensors take turns, chunk by chunk, so that a small one
/// does not wait for a large one. No I/O; belongs to one thread.
class deliveries {
public:
  /// Twice what a courier asks for: answers that were sent may not count yet.
  static constexpr std::size_t most = 2 * parcel::most_fetches;

  struct piece {
    parcel head;
    std::shared_ptr<const loan> from; ///< holds `bytes`
    std::span<const std::byte> bytes; ///< of a chunk
  };

  /// `chunk` bytes at a time, a multiple of four of at most
  /// `parcel::largest_chunk`.
  deliveries(std::shared_ptr<const shelf> lent, std::size_t chunk);

  /// Throws `std::system_error`, which ends the channel, if there are too many
  /// or this one is under way.
  void fetch(const parcel& asked);
  void stop(tensor_id id);

  std::optional<piece> next();

private:
  struct delivery {
    tensor_id id;
    std::shared_ptr<const loan> from; // null: gone
    std::size_t sent;
  };

  std::shared_ptr<const shelf> lent_;
  std::size_t chunk_;
  std::deque<delivery> turns_;
};

} // namespace troupe::cluster
