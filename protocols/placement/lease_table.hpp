#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "protocols/ids.hpp"

namespace troupe::placement {

/// Leases under way, by id, in one block of memory that is kept: ids in flight
/// are nearly dense, so an id's lower bits are its place, and the next free one
/// where that is taken (linear probing, Knuth vol. 3, 6.4, Algorithms L and R).
/// O(1) as long as what is in flight spans few times its number; moving a value
/// into or out of the table makes no other invalid but those behind it.
template <class Value>
class lease_table {
public:
  /// Null if it is not there.
  Value* find(lease_id lease) noexcept {
    if (size_ == 0)
      return nullptr;
    auto& at = places_[seek(lease)];
    return at.lease == lease ? &at.value : nullptr;
  }

  /// Requires that it is not there.
  Value& insert(lease_id lease, Value value) {
    if (2 * (size_ + 1) > places_.size())
      grow();
    ++size_;
    auto& at = places_[seek(lease)];
    at.lease = lease;
    at.value = std::move(value);
    return at.value;
  }

  /// Requires that it is there.
  Value take(lease_id lease) {
    auto hole = seek(lease);
    auto result = std::exchange(places_[hole].value, Value{});
    places_[hole].lease = none;
    --size_;
    // What was pushed past the hole moves back into it.
    for (auto i = next(hole); places_[i].lease != none; i = next(i)) {
      const auto home = home_of(places_[i].lease);
      if (distance(home, i) < distance(hole, i))
        continue;
      places_[hole] = std::move(places_[i]);
      places_[i] = {};
      hole = i;
    }
    return result;
  }

  template <class Each>
  void for_each(Each each) {
    for (auto& at : places_)
      if (at.lease != none)
        each(at.lease, at.value);
  }

  template <class Each>
  void for_each(Each each) const {
    for (const auto& at : places_)
      if (at.lease != none)
        each(at.lease, at.value);
  }

  std::size_t size() const noexcept { return size_; }

private:
  static constexpr auto none = std::numeric_limits<lease_id>::max();
  struct place {
    lease_id lease = none;
    Value value{};
  };

  std::size_t mask() const noexcept { return places_.size() - 1; }
  std::size_t home_of(lease_id lease) const noexcept {
    return static_cast<std::size_t>(lease) & mask();
  }
  std::size_t next(std::size_t i) const noexcept { return (i + 1) & mask(); }
  std::size_t distance(std::size_t from, std::size_t to) const noexcept {
    return (to - from) & mask();
  }
  /// Where it is, or where it would be put.
  std::size_t seek(lease_id lease) const noexcept {
    auto i = home_of(lease);
    while (places_[i].lease != lease && places_[i].lease != none)
      i = next(i);
    return i;
  }
  void grow() {
    auto before = std::exchange(places_,
        std::vector<place>(std::max<std::size_t>(16, 2 * places_.size())));
    for (auto& at : before)
      if (at.lease != none)
        places_[seek(at.lease)] = std::move(at);
  }

  std::vector<place> places_; // a power of two of them, half of them empty
  std::size_t size_ = 0;
};

} // namespace troupe::placement
