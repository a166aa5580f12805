#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/collective/bell.hpp"
#include "runtime/collective/call.hpp"
#include "runtime/collective/memory_file.hpp"

namespace troupe::collective {

/// Memory that the ranks of one host have in common: those that are threads of
/// one process, or processes that map one file of memory. Blocks that the group
/// gives out lie behind it in that file.
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
    std::atomic<std::uint32_t> left;   ///< gone, or about to go
    std::atomic<std::uint32_t> adding; ///< it reads others' memory
    std::atomic<std::uint32_t> let_go; ///< nobody may read its own any more
    std::atomic<std::uint32_t> blames;
    char why[384];
    alignas(64) std::byte slot[2][slot_bytes];
  };

  /// In this process's own memory.
  static std::shared_ptr<hall> make(std::uint32_t ranks);
  /// In a file of memory: a new one, or one that was handed over by the rank
  /// that made it. Throw `std::system_error`.
  static std::shared_ptr<hall> make_shared(std::uint32_t ranks);
  static std::shared_ptr<hall> in(memory_file file, std::uint32_t ranks);

  hall(const hall&) = delete;
  hall& operator=(const hall&) = delete;

  bool within_process() const noexcept { return !file_; }
  /// That of `make_shared` and `in`.
  memory_file& file() noexcept { return *file_; }
  /// Where the file's next blocks begin, of so many bytes for each rank.
  std::size_t next_blocks(std::size_t bytes) noexcept;
  std::uint32_t ranks() const noexcept { return ranks_; }

  desk& of(std::uint32_t rank) noexcept { return desks_[rank]; }
  ring& head(std::uint32_t from, std::uint32_t to) noexcept {
    return rings_[from * ranks_ + to];
  }
  std::byte* bytes(std::uint32_t from, std::uint32_t to) noexcept {
    return bytes_ + (from * ranks_ + to) * ring_bytes;
  }

private:
  hall(std::uint32_t ranks, std::optional<memory_file> file, mapping memory);
  static std::size_t size_for(std::uint32_t ranks) noexcept;

  std::uint32_t ranks_;
  std::optional<memory_file> file_;
  mapping memory_;
  std::size_t blocks_ = 0; // in the file, behind the hall
  desk* desks_;
  ring* rings_;
  std::byte* bytes_;
};

} // namespace troupe::collective
