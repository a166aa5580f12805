#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cli/command.hpp"
#include "runtime/collective/channel_group.hpp"

namespace troupe::cli {

/// How a command's ranks are joined and started.
struct ranks_wanted {
  std::uint32_t ranks = 2;
  std::string wire; ///< process, memory, tcp or tls
  /// This process is one rank of several that were started by hand, or by
  /// rank 0; empty: it is rank 0 and starts the others.
  std::string meet;
  std::uint32_t rank = 0;
  std::string certificates; ///< their directory; empty: some of their own
  /// The command line of the others, but for --rank and --meet.
  std::vector<std::string> words;
};

/// Those that join ranks of several processes or none, as --wire names them.
inline constexpr std::array<std::string_view, 4> wires{
    "process", "memory", "tcp", "tls"};

const std::vector<option>& rank_options();
ranks_wanted ranks_of(const arguments& given, std::uint32_t otherwise);

/// Calls `act` with each rank's group: on threads of this process, or in
/// processes of their own, of which this one is the first. Throws what rank 0
/// throws.
void on_ranks(const ranks_wanted& wanted,
    const std::function<void(collective::channel_group&)>& act);

} // namespace troupe::cli
