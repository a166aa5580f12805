#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/interprocess/mapped_region.hpp>

namespace troupe::cluster {

/// Memory that two processes of one user on one host share: a ring of bytes for
/// each direction. Whoever is at the other end may write what it likes there,
/// so what is read is checked.
///
///     +-------------------+------------------+-----------+-----------+
///     | token, sleepers   | written, taken   | bytes of  | bytes of  |
///     | of both ends      | of both rings    | ring 0    | ring 1    |
///     +-------------------+------------------+-----------+-----------+
class shared_region {
public:
  static constexpr std::size_t ring_bytes = std::size_t{1} << 20;

  /// Counts go up for ever; written - taken bytes are there.
  struct ring {
    alignas(64) std::atomic<std::uint64_t> written;
    alignas(64) std::atomic<std::uint64_t> taken;
  };
  struct head {
    std::uint64_t token;                              ///< drawn by its maker
    alignas(64) std::atomic<std::uint32_t> sleeps[2]; ///< each end
    ring rings[2];                                    ///< end 0 writes ring 0
  };
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

  /// A new one under a name of its own; empty if the system has none to give.
  static std::optional<shared_region> make();
  /// The one that another process made; empty if it is not there or not ours.
  static std::optional<shared_region> open(const std::string& name);

  /// Of one that was made here, until it is forgotten: then nobody finds it any
  /// more, and those who have it keep it.
  const std::string& name() const noexcept { return *name_; }
  void forget_name() noexcept { name_.reset(); }

  head& front() noexcept { return *static_cast<head*>(memory_.get_address()); }
  std::byte* bytes(std::size_t which) noexcept {
    return static_cast<std::byte*>(memory_.get_address()) + bytes_at +
           which * ring_bytes;
  }

private:
  static constexpr std::size_t bytes_at = 4096;
  static constexpr std::size_t size = bytes_at + 2 * ring_bytes;
  static_assert(sizeof(head) <= bytes_at);

  struct forget {
    void operator()(std::string* name) const noexcept;
  };
  using own_name = std::unique_ptr<std::string, forget>;

  shared_region(own_name name, boost::interprocess::mapped_region memory)
      : name_(std::move(name)), memory_(std::move(memory)) {}

  own_name name_;
  boost::interprocess::mapped_region memory_;
};

} // namespace troupe::cluster
