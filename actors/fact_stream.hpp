#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "protocols/facts.hpp"

namespace troupe {

/// Numbers facts and gathers them into batches, in their order. One that does
/// not know all yet is held, and so are those behind it.
class fact_stream {
public:
  /// The next fact gets number `next`.
  explicit fact_stream(std::uint64_t next = 1) : next_(next) {}

  template <class What>
  void add(instant at, What&& what) {
    batch().push_back(fact{next_++, at, std::forward<What>(what)});
  }
  /// Holds an update that was accepted, until `summed` tells what it added.
  void hold(instant at, facts::accepted what);
  /// Of the first update that is held.
  void summed(std::uint64_t checksum);
  /// What updates have added will not be told any more.
  void release() noexcept { held_.clear(); }

  bool holds() const noexcept { return !held_.empty(); }
  /// Facts that can be taken.
  std::size_t size() const noexcept;
  /// The number of the last fact; 0 if there was none.
  std::uint64_t last() const noexcept { return next_ - 1; }
  /// All that can be taken since the last call.
  fact_batch take();

private:
  std::vector<fact>& batch();

  std::shared_ptr<std::vector<fact>> open_;
  std::deque<std::uint64_t> held_; ///< numbers
  std::uint64_t next_;
};

} // namespace troupe
