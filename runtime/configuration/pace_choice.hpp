#pragma once

#include "protocols/federated/pace.hpp"
#include "runtime/configuration/configuration.hpp"

namespace troupe {

/// How long leases take on the virtual clock of a configuration.
federated::pace pace_of(const configuration& what);

} // namespace troupe
