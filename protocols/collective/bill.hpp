#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocols/collective/algorithm.hpp"
#include "protocols/collective/schedule.hpp"

namespace troupe::collective {

/// What a schedule takes. All that a rank sends to one peer in one round is one
/// message.
struct bill {
  std::uint32_t rounds = 0;
  std::size_t messages = 0; ///< of all ranks
  std::size_t elements = 0; ///< sent by all ranks
  std::size_t most = 0;     ///< elements sent by one rank, at most

  friend bool operator==(const bill&, const bill&) = default;
};

/// Counted.
bill bill_of(const schedule& x);

/// As the literature has it, for n ranks, E elements a block, k pieces,
/// L = log2 of the largest power of two p <= n, and f = n - p ranks that are
/// folded (F = 1 if there are any):
///
///                     rounds          messages        elements    most
///     reduce_scatter, and all_gather, which is its way backwards
///       direct        k               k n (n - 1)     (n - 1) E   E - E/n
///       ring          n - 1           n (n - 1)       (n - 1) E   E - E/n
///       chunked_ring  n - 2 + k       n (n - 2 + k)   (n - 1) E   E - E/n
///       halving       L + 2 F         p L + 2 f       (p - 1) E + f E + parts
///                                                     of the folded ranks
///       bcube         bases           n sum(base - 1) (n - 1) E   E - E/n
///     all_reduce: twice that, but k - 1 rounds of pieces once; where a piece
///     that goes back meets the next one that comes, they are one message
///       direct        k + 1           (k + 1) n (n - 1)
///       doubling      L + 2 F         p L + 2 f       p L E + 2 f E
///       trees         a reduce and its way backwards
///     reduce, and broadcast, which is its way backwards
///       direct        1               n - 1           (n - 1) E
///       ring          n - 1           n - 1           (n - 1) E
///       chunked_ring  n - 2 + k       k (n - 1)       (n - 1) E
///       binomial      log2 n, up      n - 1           (n - 1) E
///       double tree   floor(log2 (n - 1)) + k
///                                     2 k (n - 1)     (n - 1) E
///     gather, and scatter: n - 1 messages; directly each part goes once; in a
///       binomial tree that of rank r makes a step more than it has ones below
///       the highest binary digit in which r differs from the root
///     all_to_all      n - 1           n (n - 1)       (n - 1) n count
///     barrier: the messages of reduce_scatter (direct) or all_reduce
///
/// for counts of which every part and piece has something. `most` where the
/// parts are of one size and the count is known; else empty.
struct formula {
  bill cost;
  bool most_known = false;
};
formula formula_of(const task& x);

/// The alpha-beta model: a message takes alpha, an element that is sent or
/// received beta, one that is added gamma; a rank sends and receives at once.
struct prices {
  double alpha = 0.0; ///< seconds a message
  double beta = 0.0;  ///< seconds an element
  double gamma = 0.0; ///< seconds an addition
};

/// Seconds if every round takes as long as its slowest rank needs for it.
double seconds_of(const schedule& x, const prices& at);

} // namespace troupe::collective
