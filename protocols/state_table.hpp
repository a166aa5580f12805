#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "protocols/ids.hpp"
#include "protocols/tensor.hpp"

namespace troupe {

/// What a client keeps between its leases: a flat block of values, of any
/// length; on the host.
struct client_state {
  client_id client = 0;
  tensor values;

  template <class Inspector>
  friend bool inspect(Inspector& f, client_state& x) {
    return f.object(x).fields(
        f.field("client", x.client), f.field("values", x.values));
  }
};

/// The states of a run's clients. A value whose copies share what they have in
/// common: a copy costs a pointer for 64 clients, so that every version can
/// have one.
class state_table {
public:
  state_table() = default;
  explicit state_table(std::span<const client_state> all) { take(all); }

  /// Null: the client has none.
  tensor of(client_id client) const;
  /// Takes these in the place of what the clients had; a state without values
  /// is none. Clients in a row cost the least.
  void take(std::span<const client_state> changed);

  /// By ascending clients.
  std::vector<client_state> all() const;
  std::size_t size() const noexcept { return size_; } ///< clients that have one
  bool empty() const noexcept { return size_ == 0; }

  template <class Inspector>
  friend bool inspect(Inspector& f, state_table& x) {
    auto all = x.all();
    if (!f.apply(all))
      return false;
    if constexpr (Inspector::is_loading)
      x = state_table{all};
    return true;
  }

private:
  static constexpr std::size_t page_size = 64;
  using page = std::array<tensor, page_size>;

  std::vector<std::shared_ptr<const page>> pages_; ///< null: nobody has one
  std::size_t size_ = 0;
};

} // namespace troupe
