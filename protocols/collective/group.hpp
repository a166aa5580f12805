#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "gpu/collective/collective.hpp"
#include "gpu/range.hpp"
#include "protocols/collective/algorithm.hpp"
#include "protocols/collective/canonical.hpp"

namespace troupe::collective {

/// A group is at its end: some rank is gone, silent, or asks for something
/// else. `rank` is to blame; the text names it, the operation and its number.
class group_error : public std::runtime_error {
public:
  group_error(std::uint32_t rank, std::uint64_t number, const std::string& text)
      : std::runtime_error(text), rank_(rank), number_(number) {}
  std::uint32_t rank() const noexcept { return rank_; }
  std::uint64_t number() const noexcept { return number_; }

private:
  std::uint32_t rank_;
  std::uint64_t number_;
};

/// Hears several ranks, whichever sends first, by messages of one size. Whoever
/// was heard may be received from otherwise before `next` is called again.
class inbox {
public:
  virtual ~inbox() = default;
  /// Waits for the next message, and answers with its sender.
  virtual std::uint32_t next(gpu::typed_span to) = 0;
};

/// One rank's member of a group: does operations with the members of the other
/// ranks, which are asked for the same ones in the same order. Belongs to one
/// thread, which it holds until an operation is through: then `to` may be read
/// and `from` be written.
///
/// Counts are those of `signature`: of one rank's part. `from` and `to` may be
/// one and the same (in place): all of both for all_reduce, reduce and
/// broadcast; for the others part `rank` of the larger one is the smaller one.
///
/// Where no algorithm is named the group takes what suits wire and size, the
/// same at every rank. Each operation ends: with its result, or by a
/// `group_error`, as does every later one then.
class group {
public:
  using way = std::optional<algorithm>;
  using canonical_terms = std::map<node, gpu::const_typed_span>;

  virtual ~group() = default;

  virtual std::uint32_t rank() const noexcept = 0;
  virtual std::uint32_t ranks() const noexcept = 0;

  virtual void all_reduce(gpu::const_typed_span from, gpu::typed_span to,
      gpu::reduction how = gpu::reduction::sum, way by = {}) = 0;
  /// `to` is the root's.
  virtual void reduce(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, gpu::reduction how = gpu::reduction::sum,
      way by = {}) = 0;
  /// `from` is the root's; `to` may be none there.
  virtual void broadcast(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, way by = {}) = 0;
  virtual void all_gather(
      gpu::const_typed_span from, gpu::typed_span to, way by = {}) = 0;
  virtual void reduce_scatter(gpu::const_typed_span from, gpu::typed_span to,
      gpu::reduction how = gpu::reduction::sum, way by = {}) = 0;
  virtual void all_to_all(
      gpu::const_typed_span from, gpu::typed_span to, way by = {}) = 0;
  /// `to` is the root's.
  virtual void gather(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, way by = {}) = 0;
  /// `from` is the root's.
  virtual void scatter(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, way by = {}) = 0;
  virtual void send(gpu::const_typed_span from, std::uint32_t to) = 0;
  virtual void receive(gpu::typed_span to, std::uint32_t from) = 0;
  virtual void barrier(way by = {}) = 0;

  /// A sum along the tree over all leaves (`canonical.hpp`), the same bits
  /// whoever holds which. `partials` are the sums of those subtrees that
  /// `partials_of(holders, rank())` names; `to` is none of them. The results go
  /// around by direct, ring, halving_doubling or bcube.
  virtual void canonical_all_reduce(const canonical_terms& partials,
      std::span<const std::uint32_t> holders, gpu::typed_span to,
      way by = {}) = 0;

  // Where a block is cut into ranges of the ranks' own, one behind the other,
  // of any sizes, one for each rank: `parts`, the same at every rank.

  /// The same sum, of which each rank gets its part alone; `to` is that part.
  virtual void canonical_reduce_scatter(const canonical_terms& partials,
      std::span<const std::uint32_t> holders, std::span<const gpu::range> parts,
      gpu::typed_span to, way by = {}) = 0;
  /// A sum of the ranks' blocks, of which each rank gets its part alone; `to`
  /// may be that part of `from`.
  virtual void reduce_scatter(gpu::const_typed_span from,
      std::span<const gpu::range> parts, gpu::typed_span to,
      gpu::reduction how = gpu::reduction::sum, way by = {}) = 0;
  /// `from` is this rank's part; it may lie in `to` already.
  virtual void all_gather(gpu::const_typed_span from,
      std::span<const gpu::range> parts, gpu::typed_span to, way by = {}) = 0;

  /// Sends to one rank and receives from one, which may be the same, at once.
  virtual void exchange(gpu::const_typed_span from, std::uint32_t to,
      gpu::typed_span into, std::uint32_t of) = 0;

  /// For messages of `count` elements of one type; not longer than the group.
  virtual std::unique_ptr<inbox> open_inbox(std::span<const std::uint32_t> from,
      std::size_t count, gpu::element type) = 0;

  /// Memory that every rank sees, where the wire has any: sums in place on it
  /// are read and written where they lie. All ranks ask for as much. It lives
  /// as long as the group. Elsewhere it is plain memory.
  virtual std::span<std::byte> allocate(std::size_t bytes) = 0;

  /// Bytes that this rank has sent to others so far.
  virtual std::uint64_t bytes_sent() const noexcept = 0;
  virtual std::uint64_t operations() const noexcept = 0;
};

} // namespace troupe::collective
