#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "protocols/collective/canonical.hpp"
#include "runtime/collective/mapping.hpp"
#include "runtime/collective/passage.hpp"
#include "runtime/collective/wire.hpp"

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

  explicit group(std::unique_ptr<wire> over,
      std::chrono::milliseconds silence = std::chrono::seconds{30});

  std::uint32_t rank() const noexcept { return wire_->rank(); }
  std::uint32_t ranks() const noexcept { return wire_->ranks(); }

  void all_reduce(gpu::const_typed_span from, gpu::typed_span to,
      gpu::reduction how = gpu::reduction::sum, way by = {});
  /// `to` is the root's.
  void reduce(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, gpu::reduction how = gpu::reduction::sum,
      way by = {});
  /// `from` is the root's; `to` may be none there.
  void broadcast(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, way by = {});
  void all_gather(gpu::const_typed_span from, gpu::typed_span to, way by = {});
  void reduce_scatter(gpu::const_typed_span from, gpu::typed_span to,
      gpu::reduction how = gpu::reduction::sum, way by = {});
  void all_to_all(gpu::const_typed_span from, gpu::typed_span to, way by = {});
  /// `to` is the root's.
  void gather(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, way by = {});
  /// `from` is the root's.
  void scatter(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, way by = {});
  void send(gpu::const_typed_span from, std::uint32_t to);
  void receive(gpu::typed_span to, std::uint32_t from);
  void barrier(way by = {});

  /// A sum along the tree over all leaves (`canonical.hpp`), the same bits
  /// whoever holds which. `partials` are the sums of those subtrees that
  /// `partials_of(holders, rank())` names; `to` is none of them. The results go
  /// around by direct, ring, halving_doubling or bcube.
  void canonical_all_reduce(const canonical_terms& partials,
      std::span<const std::uint32_t> holders, gpu::typed_span to, way by = {});

  /// Memory that every rank sees, where the wire has any: sums in place on it
  /// are read and written where they lie. All ranks ask for as much. It lives
  /// as long as the group. Elsewhere it is plain memory.
  std::span<std::byte> allocate(std::size_t bytes);

  /// From here on sums are not what they should be: those on blocks that all
  /// see do without the last meeting, others without the additions. For figures
  /// of the best that a wire or a memory could do.
  void bare(bool on) noexcept { bare_ = on; }

  /// What this rank has been asked for, as a sum that is the same at all ranks.
  std::uint64_t digest() const noexcept { return digest_; }
  std::uint64_t operations() const noexcept { return number_; }

private:
  struct blocks {
    std::vector<mapping> memory; // by rank; those of others are seen
  };
  struct meeting_card;

  call next(const task& x, gpu::element type, gpu::reduction how);
  task planned(operation_kind kind, way by, std::size_t count,
      std::size_t bytes, std::uint32_t root = 0) const;
  const itinerary& way_of(const task& x);
  std::byte* scratch(std::size_t bytes);

  void pass(
      const task& x, gpu::element type, gpu::reduction how, workplace where);
  void walk(const itinerary& along, const call& what, workplace where);
  template <class Step>
  void carry_on(const call& what, Step&& step);
  [[noreturn]] void end(const call& what, const loss& why, bool own);
  void transfer(gpu::typed_span what, std::uint32_t from, std::uint32_t to);

  bool at_table(gpu::const_typed_span from, gpu::typed_span to,
      gpu::reduction how, const call& what);
  void gather_cards(
      const call& what, std::uint64_t at, std::span<const std::byte> brings);
  std::uint64_t place_of(const void* data, std::size_t bytes) const;
  std::byte* place_at(std::uint64_t place, std::uint32_t rank) const;
  void add_together(const call& what, gpu::const_typed_span from,
      gpu::typed_span to, std::span<const void* const> terms);
  void add_in_place(const call& what, gpu::typed_span to);

  std::unique_ptr<wire> wire_;
  std::chrono::milliseconds silence_;
  std::uint64_t number_ = 0;
  std::uint64_t digest_ = 0;
  std::uint64_t turn_ = 0; // at the table
  bool bare_ = false;
  std::optional<group_error> ended_;
  std::map<task, itinerary> ways_;
  waiting_room room_;
  std::unique_ptr<std::byte[]> scratch_;
  std::size_t scratch_size_ = 0;
  std::vector<blocks> blocks_;
  std::vector<std::int32_t> order_; // along the tree over the ranks
};

/// What its ranks' average is divided by, and so on: see `gpu::reduction`.
std::vector<std::int32_t> order_over(std::uint32_t ranks);

} // namespace troupe::collective
