#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "protocols/membership/member.hpp"

namespace troupe::membership {

/// Everybody who was let in, by id and by name. Whoever is gone is remembered,
/// so that it is the same one when it comes back and nobody else can be; of
/// those, the ones that went first are forgotten beyond a bound. An id is
/// never given twice.
class identities {
public:
  explicit identities(std::size_t remembered = 10'000)
      : remembered_(remembered) {}

  /// Null for nobody. Its `id`, `name`, `at` and `changed` are ours to change.
  member* find(node_id id) noexcept;
  member* find(std::string_view name) noexcept;

  /// Requires that nobody has the name. It is joining, with a new id.
  member& add(std::string name, std::string key);
  /// The first of "node-1", "node-2"... that nobody has.
  std::string free_name();

  /// `epoch` is greater than in any call before.
  void move(member& x, state to, epoch_id epoch);
  /// May end the life of any member that is gone.
  void forget();

  std::size_t count(state at) const noexcept {
    return counts_[static_cast<std::size_t>(at)];
  }
  std::size_t live() const noexcept { return all_.size() - gone_.size(); }
  const std::map<node_id, member>& all() const noexcept { return all_; }

  template <class Inspector>
  friend bool inspect(Inspector& f, identities& x) {
    if (!f.object(x).fields(f.field("last", x.last_), f.field("all", x.all_)))
      return false;
    if constexpr (Inspector::is_loading)
      return x.index();
    return true;
  }

private:
  bool index();

  std::size_t remembered_;
  node_id last_ = 0;
  std::map<node_id, member> all_;
  std::map<std::string, node_id, std::less<>> names_;
  std::map<epoch_id, node_id> gone_; // by when they went
  std::array<std::size_t, states> counts_{};
  std::uint64_t free_ = 1; // "node-N" of no N before it is free
};

} // namespace troupe::membership
