#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <system_error>

#include "runtime/cluster/channel.hpp"
#include "runtime/cluster/memory_channel.hpp"
#include "runtime/cluster/stream.hpp"
#include "runtime/cluster/wire_choice.hpp"

namespace troupe::cluster {

using opened = std::function<void(std::unique_ptr<channel>, std::error_code)>;

/// Finds out what the process at the other end shares with this one, and gives
/// the best channel to it, at both ends alike: a `memory_channel`; or else a
/// `ucx_channel`, where both ends choose it and a word got through both ways;
/// or else a `socket_channel` over the connection. Null and why if the
/// connection breaks or all is not said in time.
///
/// Both ends call it, after the handshake of TLS if there is one; which of them
/// makes the region they know.
///
///     makes: name of the region, or nothing; its last byte: 1 if UCX is known
///            here, 2 if it is to come first, else 0 -->
///            <-- opens: the token that it found there, `ucx_token`, or 0
///     makes: 1 if it is the right one, 2 for `ucx_token`, or 0 -->
///
/// and after a 2, both of them, each without waiting for the other:
///
///     length of an address, or 0; the address
///     1 if a word came through over UCX, or 0: two 1s, and UCX it is
///
/// An end that does not know UCX neither looks at the last byte of a name,
/// which was always 0, nor says `ucx_token`; so builds with and without it
/// agree.
void open_channel(stream over, memory_channel::side which, opened then,
    std::chrono::milliseconds in_time = std::chrono::seconds{5},
    const wire_choice& of = wire_choice::of_environment());

/// Opens what channels take long to open, before a connection's thread, which
/// has beats to send, would wait for it.
void prepare_channels(const wire_choice& of = wire_choice::of_environment());

} // namespace troupe::cluster
