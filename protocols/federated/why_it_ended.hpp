#pragma once

#include <cstdint>
#include <string>

#include <caf/error.hpp>

#include "protocols/federated/decisions.hpp"
#include "protocols/ids.hpp"

namespace troupe::federated {

/// What an ending of a rule is to its run, which has this version out and began
/// so many rounds: none, or why it failed. `last_failure` of a client is said
/// behind it.
caf::error why_it_failed(ending how, version_id version, std::uint64_t rounds,
    const std::string& last_failure);

} // namespace troupe::federated
