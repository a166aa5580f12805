#pragma once

#include <cstdint>

#include "protocols/facts.hpp"
#include "protocols/federated/tally.hpp"

namespace troupe {

/// What the updates that were accepted for a version come to: what its
/// `published` fact has to say of them. Sums are those of integers, so that
/// they are compared and not estimated.
class version_sum {
public:
  /// Throws `contradiction` for what no rule makes: a weight that is none, or
  /// beyond its share.
  void take(const facts::accepted& x);
  /// It was refused after all, in a journal of before there were checksums.
  void retract(lease_id lease);
  void clear() noexcept { *this = {}; }

  /// Throws `contradiction` where the version was made of something else. True:
  /// what it says of its sum was compared; false: it is from before versions
  /// said any.
  bool expect_in(const facts::published& x);

private:
  bool is_told_of(const facts::published& x) const noexcept;

  federated::tally losses_;
  std::int64_t weights_ = 0; ///< on the accumulator's grid
  std::int64_t shares_ = 0;  ///< likewise
  std::uint64_t checksum_ = 0;
  bool has_checksums_ = false;
};

} // namespace troupe
