#pragma once

#include <cstdint>
#include <memory>

#include "runtime/cluster/dialler.hpp"
#include "runtime/cluster/line.hpp"

namespace troupe::cluster {

/// Dials a channel for the courier of a node's session, and again whenever it
/// breaks, for as long as the session lasts. On the thread of `on`.
void keep_courier(asio::io_context& on, const dial_options& how,
    std::uint64_t session, const std::shared_ptr<line>& of);

} // namespace troupe::cluster
