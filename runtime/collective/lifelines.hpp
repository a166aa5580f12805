#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/collective/stream_channel.hpp"
#include "runtime/collective/wire.hpp"

namespace troupe::collective {

/// A socket to each other rank that carries nothing but the last words of
/// either: the system closes it when a process dies, however it does.
///
///     word: rank that is to blame, gently (0, 1), length of text (1 byte
///           each), text
class lifelines {
public:
  lifelines(std::uint32_t rank, streams channels);

  std::optional<loss> look();
  void tell(const loss& what) noexcept;

  int of(std::uint32_t peer) const noexcept {
    return lines_[peer].to->socket();
  }
  bool ended(std::uint32_t peer) const noexcept { return lines_[peer].ended; }

private:
  struct line {
    std::unique_ptr<stream_channel> to;
    std::string heard;
    bool ended = false;
  };

  static std::optional<loss> word_in(const std::string& heard);
  void listen(line& to);

  std::uint32_t rank_;
  std::vector<line> lines_;
};

} // namespace troupe::collective
