#pragma once

#include <cstdint>

#include "protocols/time.hpp"

namespace troupe {

using client_id = std::uint32_t;  ///< a logical client, 0 to clients - 1
using lease_id = std::uint64_t;   ///< unique over a run, resumes included
using version_id = std::uint64_t; ///< of the global model; 0 is the initial one
using slot_id = std::uint32_t;    ///< a compute slot of this process
using shard_id = std::uint32_t;   ///< a range of the model, in order

/// Lease ids of one incarnation (a start or a resume of a run) share their
/// upper bits, so that a resumed run never hands out an id again. The result
/// stays below 2^53 for 8,192 incarnations, so that JSON readers keep it whole.
constexpr lease_id first_lease(std::uint64_t incarnation) noexcept {
  return incarnation << 40;
}

} // namespace troupe
