#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/collective/wire.hpp"
#include "runtime/files/descriptor.hpp"

namespace troupe::collective {

/// A socket to each other rank that carries nothing but the last words of
/// either: the system closes it when a process dies, however it does.
///
///     word: rank that is to blame, gently (0, 1), length of text (1 byte
///           each), text
class lifelines {
public:
  /// Sockets by rank; that of this rank is closed.
  lifelines(std::uint32_t rank, std::vector<descriptor> sockets);

  std::optional<loss> look();
  void tell(const loss& what) noexcept;

  int of(std::uint32_t peer) const noexcept { return *lines_[peer].socket; }
  bool ended(std::uint32_t peer) const noexcept { return lines_[peer].ended; }

private:
  struct line {
    descriptor socket{-1};
    std::string heard;
    bool ended = false;
  };

  static std::optional<loss> word_in(const std::string& heard);
  void listen(line& to);

  std::uint32_t rank_;
  std::vector<line> lines_;
};

} // namespace troupe::collective
