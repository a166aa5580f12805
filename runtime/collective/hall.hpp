#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "runtime/collective/bell.hpp"
#include "runtime/collective/call.hpp"
#include "runtime/collective/mapping.hpp"

namespace troupe::collective {

/// Memory that the ranks of one host have in common: those that are threads of
/// one process, or processes that map one file of memory.
///
///     +-------+----------+-------------------+------------------+
///     | notes | desks of | heads of rings,   | bytes of rings,  |
///     |       | each rank| one for each pair | one for each pair|
///     +-------+----------+-------------------+------------------+
class hall {
public:
  static constexpr std::uint32_t most_ranks = 64;
  static constexpr std::size_t ring_bytes = std::size_t{512} << 10;
  static constexpr std::size_t slot_bytes = 8192;

  /// Counts go up for ever; written - taken bytes are there.
  struct ring {
    alignas(64) std::atomic<std::uint64_t> written;
    alignas(64) std::atomic<std::uint64_t> taken;
  };

  /// By which a rank says that it has come to the table for the number-th time:
  /// it writes those of odd and even numbers in turn, the number last. Little
  /// that it brings travels in the same cache line.
  struct alignas(64) card {
    std::atomic<std::uint64_t> number;
    std::uint64_t asks; ///< a digest of all that it was asked for
    std::uint64_t at;   ///< where its block lies, or how it wants to go on
    std::byte brings[40];
  };

  /// What a rank shows to the others.
  struct desk {
    bell wakes; ///< this rank
    card cards[2];
    call calls[2];
    std::atomic<std::uint32_t> left; ///< gone, or about to go
    std::atomic<std::uint32_t> blames;
    char why[384];
    alignas(64) std::byte slot[2][slot_bytes];
  };

  /// In this process's own memory.
  static std::shared_ptr<hall> make(std::uint32_t ranks);
  /// A file of memory under a new name, until `forget`; throws
  /// `std::system_error`.
  static std::shared_ptr<hall> make_shared(std::uint32_t ranks);
  static std::shared_ptr<hall> open(
      const std::string& name, std::uint32_t ranks);

  ~hall();
  hall(const hall&) = delete;
  hall& operator=(const hall&) = delete;

  const std::string& name() const noexcept { return name_; }
  void forget() noexcept;
  bool within_process() const noexcept { return within_; }
  std::uint32_t ranks() const noexcept { return ranks_; }

  desk& of(std::uint32_t rank) noexcept { return desks_[rank]; }
  ring& head(std::uint32_t from, std::uint32_t to) noexcept {
    return rings_[from * ranks_ + to];
  }
  std::byte* bytes(std::uint32_t from, std::uint32_t to) noexcept {
    return bytes_ + (from * ranks_ + to) * ring_bytes;
  }

private:
  hall(std::uint32_t ranks, std::string name, mapping memory, bool within);
  static std::size_t size_for(std::uint32_t ranks) noexcept;

  std::uint32_t ranks_;
  std::string name_;
  mapping memory_;
  bool within_;
  desk* desks_;
  ring* rings_;
  std::byte* bytes_;
};

} // namespace troupe::collective
