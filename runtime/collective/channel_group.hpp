#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "protocols/collective/group.hpp"
#include "runtime/collective/mapping.hpp"
#include "runtime/collective/passage.hpp"
#include "runtime/collective/wire.hpp"

namespace troupe::collective {

/// A group whose ranks carry out schedules over the channels of a wire.
class channel_group final : public group {
public:
  /// Operations end by a `group_error` when a rank is silent for so long, and
  /// soon after `until` is requested.
  explicit channel_group(std::unique_ptr<wire> over,
      std::chrono::milliseconds silence = std::chrono::seconds{30},
      std::stop_token until = {});
  ~channel_group() override;

  std::uint32_t rank() const noexcept override { return wire_->rank(); }
  std::uint32_t ranks() const noexcept override { return wire_->ranks(); }

  void all_reduce(gpu::const_typed_span from, gpu::typed_span to,
      gpu::reduction how = gpu::reduction::sum, way by = {}) override;
  void reduce(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, gpu::reduction how = gpu::reduction::sum,
      way by = {}) override;
  void broadcast(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, way by = {}) override;
  void all_gather(
      gpu::const_typed_span from, gpu::typed_span to, way by = {}) override;
  void reduce_scatter(gpu::const_typed_span from, gpu::typed_span to,
      gpu::reduction how = gpu::reduction::sum, way by = {}) override;
  void all_to_all(
      gpu::const_typed_span from, gpu::typed_span to, way by = {}) override;
  void gather(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, way by = {}) override;
  void scatter(gpu::const_typed_span from, gpu::typed_span to,
      std::uint32_t root, way by = {}) override;
  void send(gpu::const_typed_span from, std::uint32_t to) override;
  void receive(gpu::typed_span to, std::uint32_t from) override;
  void barrier(way by = {}) override;

  void canonical_all_reduce(const canonical_terms& partials,
      std::span<const std::uint32_t> holders, gpu::typed_span to,
      way by = {}) override;
  void canonical_reduce_scatter(const canonical_terms& partials,
      std::span<const std::uint32_t> holders, std::span<const gpu::range> parts,
      gpu::typed_span to, way by = {}) override;
  void reduce_scatter(gpu::const_typed_span from,
      std::span<const gpu::range> parts, gpu::typed_span to,
      gpu::reduction how = gpu::reduction::sum, way by = {}) override;
  void all_gather(gpu::const_typed_span from, std::span<const gpu::range> parts,
      gpu::typed_span to, way by = {}) override;
  void exchange(gpu::const_typed_span from, std::uint32_t to,
      gpu::typed_span into, std::uint32_t of) override;

  std::unique_ptr<inbox> open_inbox(std::span<const std::uint32_t> from,
      std::size_t count, gpu::element type) override;
  std::span<std::byte> allocate(std::size_t bytes) override;

  /// Elements; what goes ahead of them, and what comes with nothing in it, is
  /// not counted. A sum in memory that all see counts as its schedule does.
  bool in_memory() const noexcept override {
    return wire_->shared() != nullptr;
  }
  std::uint64_t bytes_sent() const noexcept override { return sent_; }
  std::uint64_t operations() const noexcept override { return number_; }

  /// From here on sums are not what they should be: those on blocks that all
  /// see do without the last meeting, others without the additions. For figures
  /// of the best that a wire or a memory could do.
  void bare(bool on) noexcept { bare_ = on; }

  /// What this rank has been asked for, as a sum that is the same at all ranks.
  std::uint64_t digest() const noexcept { return digest_; }

private:
  class letters;
  class reading;
  struct blocks {
    std::vector<mapping> memory; // by rank; those of others are seen
  };
  /// What a schedule is made from; the lists are empty where the task says it
  /// all.
  struct plan {
    task what;
    std::vector<range> parts;
    std::vector<std::uint32_t> holders;

    schedule made() const;
    std::uint32_t shape() const noexcept;
    bool operator<(const plan& other) const;
  };
  struct errand;

  task planned(operation_kind kind, way by, std::size_t count,
      std::size_t bytes, std::uint32_t root = 0) const;
  plan parted(operation_kind kind, way by, std::span<const gpu::range> parts,
      gpu::element type) const;
  const itinerary& way_of(const plan& x);
  call next(const task& x, gpu::element type, gpu::reduction how,
      std::uint32_t shape = 0);
  std::byte* scratch(std::size_t bytes);

  void pass(
      const plan& x, gpu::element type, gpu::reduction how, workplace where);
  void walk(const itinerary& along, const call& what, workplace where);
  template <class Step>
  void carry_on(const call& what, Step&& step);
  [[noreturn]] void end(const call& what, const loss& why);
  [[noreturn]] void contradict(const call& what, const loss& why);
  void sum_own(const plan& x, range own, gpu::const_typed_span from,
      gpu::typed_span to, gpu::reduction how);
  void sum_partials(plan x, std::size_t first, const canonical_terms& partials,
      gpu::typed_span to);
  bool sum_where_they_lie(const plan& x, const call& what,
      const canonical_terms& partials, gpu::typed_span to);
  void transfer(std::span<const errand> all);
  void count_at_table(const task& x, gpu::element type);
  void let_go() noexcept;

  bool at_table(
      gpu::const_typed_span from, gpu::typed_span to, const call& what);
  void gather_cards(
      const call& what, std::uint64_t at, std::span<const std::byte> brings);
  std::uint64_t place_of(const void* data, std::size_t bytes) const;
  std::byte* place_at(std::uint64_t place, std::uint32_t rank) const;
  void add_together(const call& what, gpu::const_typed_span from,
      gpu::typed_span to, std::span<const void* const> terms);
  void share_block(std::vector<mapping>& of, std::size_t size);
  void add_in_place(const call& what, gpu::typed_span to);

  std::unique_ptr<wire> wire_;
  std::chrono::milliseconds silence_;
  std::stop_token until_;
  std::uint64_t number_ = 0;
  std::uint64_t digest_ = 0;
  std::uint64_t turn_ = 0; // at the table
  std::uint64_t sent_ = 0; // bytes
  std::optional<task> last_at_table_;
  std::uint64_t elements_at_table_ = 0; // of that
  bool bare_ = false;
  std::optional<group_error> ended_;
  std::map<plan, itinerary> ways_;
  waiting_room room_;
  std::unique_ptr<std::byte[]> scratch_;
  std::size_t scratch_size_ = 0;
  std::vector<blocks> blocks_;
  std::vector<std::int32_t> order_; // along the tree over the ranks
};

/// What its ranks' average is divided by, and so on: see `gpu::reduction`.
std::vector<std::int32_t> order_over(std::uint32_t ranks);

} // namespace troupe::collective
