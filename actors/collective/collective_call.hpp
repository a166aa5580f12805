#pragma once

#include "gpu/collective/communicator.hpp"
#include "protocols/collective/messages.hpp"

namespace troupe::collective {

/// Queues this rank's part of an operation. Throws `std::invalid_argument` when
/// the blocks are not of the size that was agreed on, and what NCCL refuses as
/// `gpu::nccl_error`.
void call(
    gpu::communicator& group, gpu::device_stream& on, const perform& what);

} // namespace troupe::collective
