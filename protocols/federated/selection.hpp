#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "gpu/random.hpp"
#include "protocols/ids.hpp"

namespace troupe::federated {

/// Draws `count` of `clients` without replacement, each set as likely as any
/// other, in O(count): the first steps of a Fisher-Yates shuffle, which are
/// then undone, so that `clients` comes out as it went in.
inline std::vector<client_id> draw_cohort(std::span<client_id> clients,
    std::size_t count, gpu::random_stream& random) {
  assert(count <= clients.size());
  std::vector<std::size_t> swaps(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto left = static_cast<std::uint32_t>(clients.size() - i);
    swaps[i] = i + random.below(left);
    std::swap(clients[i], clients[swaps[i]]);
  }
  const auto drawn = clients.first(count);
  std::vector<client_id> cohort(drawn.begin(), drawn.end());
  for (auto i = count; i-- > 0;)
    std::swap(clients[i], clients[swaps[i]]);
  return cohort;
}

/// A set of clients from which one is drawn uniformly; every operation is O(1).
/// The order inside follows from the operations alone.
class pool {
public:
  void insert(client_id client) {
    if (client >= where_.size())
      where_.resize(std::size_t{client} + 1, absent);
    if (where_[client] != absent)
      return;
    where_[client] = static_cast<std::uint32_t>(clients_.size());
    clients_.push_back(client);
  }

  void erase(client_id client) noexcept {
    if (!contains(client))
      return;
    const auto last = clients_.back();
    clients_[where_[client]] = last;
    where_[last] = where_[client];
    where_[client] = absent;
    clients_.pop_back();
  }

  /// Draws one and takes it out. Requires !empty().
  client_id take(gpu::random_stream& random) noexcept {
    assert(!empty());
    const auto bound = static_cast<std::uint32_t>(clients_.size());
    const auto client = clients_[random.below(bound)];
    erase(client);
    return client;
  }

  bool contains(client_id client) const noexcept {
    return client < where_.size() && where_[client] != absent;
  }
  bool empty() const noexcept { return clients_.empty(); }
  std::size_t size() const noexcept { return clients_.size(); }
  /// In the order inside.
  const std::vector<client_id>& all() const noexcept { return clients_; }

  template <class Inspector>
  friend bool inspect(Inspector& f, pool& x) {
    return f.apply([&x] { return x.clients_; },
        [&x](const std::vector<client_id>& clients) {
          x = {};
          for (auto each : clients)
            x.insert(each);
          return true;
        });
  }

private:
  static constexpr auto absent = std::numeric_limits<std::uint32_t>::max();
  std::vector<client_id> clients_;
  std::vector<std::uint32_t> where_; // a client's place in clients_
};

} // namespace troupe::federated
