#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "protocols/verbs.hpp"
#include "runtime/cluster/line.hpp"

namespace troupe::cluster {

/// Has an actor hear a line: frames of these types are messages to it. Others
/// end the session.
template <class... Frames, class Handle>
line::ears ears_of(Handle whom, const std::shared_ptr<line>& from) {
  return {.said =
              [whom, from = std::weak_ptr{from}](frame&& what) {
                std::visit(
                    [&](auto&& one) {
                      using type = std::decay_t<decltype(one)>;
                      if constexpr ((std::is_same_v<type, Frames> || ...))
                        send_anonymously(whom, std::move(one));
                      else if (auto at = from.lock())
                        at->expel("it said what only the other side may");
                    },
                    std::move(what));
              },
      .brought = [whom](fetched&& what) { send_anonymously(whom, what); },
      .over = [whom](parted&& what) { send_anonymously(whom, what); }};
}

} // namespace troupe::cluster
