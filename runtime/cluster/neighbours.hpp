#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <system_error>

#include "runtime/cluster/channel.hpp"
#include "runtime/cluster/memory_channel.hpp"
#include "runtime/cluster/stream.hpp"

namespace troupe::cluster {

using opened = std::function<void(std::unique_ptr<channel>, std::error_code)>;

/// Finds out whether the process at the other end can share memory with this
/// one, and gives the best channel to it: a `memory_channel`, or else a
/// `socket_channel` over the connection, at both ends alike. Null and why if
/// the connection breaks or all is not said in time.
///
/// Both ends call it, after the handshake of TLS if there is one; which of them
/// makes the region they know.
///
///     makes: name of the region, or nothing -->
///            <-- opens: the token that it found there, or 0
///     makes: 1 if it is the right one, or 0 -->
void open_channel(stream over, memory_channel::side which, opened then,
    std::chrono::milliseconds in_time = std::chrono::seconds{5});

} // namespace troupe::cluster
