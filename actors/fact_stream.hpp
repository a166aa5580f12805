#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "protocols/facts.hpp"

namespace troupe {

/// Numbers facts and gathers them into batches.
class fact_stream {
public:
  /// The next fact gets number `next`.
  explicit fact_stream(std::uint64_t next = 1) : next_(next) {}

  template <class What>
  void add(instant at, What&& what) {
    batch().push_back(fact{next_++, at, std::forward<What>(what)});
  }

  std::size_t size() const noexcept { return open_ ? open_->size() : 0; }
  /// The number of the last fact; 0 if there was none.
  std::uint64_t last() const noexcept { return next_ - 1; }
  /// Everything since the last call; begins a new batch.
  fact_batch take() { return {std::exchange(open_, nullptr)}; }

private:
  std::vector<fact>& batch();

  std::shared_ptr<std::vector<fact>> open_;
  std::uint64_t next_;
};

} // namespace troupe
