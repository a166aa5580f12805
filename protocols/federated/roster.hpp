#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "protocols/federated/lease_book.hpp"

namespace troupe::federated {

/// What a rule remembers of a client, departed ones included, so that going and
/// coming back gains nothing.
struct client_record {
  std::uint64_t samples = 0;
  lease_id lease = no_lease;   ///< the last one, which may have ended
  std::uint64_t leased_in = 0; ///< the last round in which it was leased
  bool present = false;
  bool failed = false; ///< its last lease
};

/// The clients that may be leased, by id.
class roster {
public:
  /// False when it was there; its number of samples is taken either way.
  bool join(client_id client, std::uint64_t samples) {
    auto& x = record(client);
    if (x.present)
      samples_ -= x.samples;
    samples_ += x.samples = samples;
    if (x.present)
      return false;
    ++living_;
    return x.present = true;
  }

  /// False when it was not there.
  bool leave(client_id client) noexcept {
    if (!present(client))
      return false;
    records_[client].present = false;
    samples_ -= records_[client].samples;
    --living_;
    return true;
  }

  bool present(client_id client) const noexcept {
    return client < records_.size() && records_[client].present;
  }

  /// Of a client that may never have joined.
  client_record& record(client_id client) {
    if (client >= records_.size())
      records_.resize(std::size_t{client} + 1);
    return records_[client];
  }
  /// Requires that it has joined once.
  client_record& operator[](client_id client) noexcept {
    return records_[client];
  }
  std::span<const client_record> records() const noexcept { return records_; }
  std::uint64_t living() const noexcept { return living_; }
  std::uint64_t samples() const noexcept { return samples_; } ///< of the living

private:
  std::vector<client_record> records_;
  std::uint64_t living_ = 0;
  std::uint64_t samples_ = 0;
};

} // namespace troupe::federated
