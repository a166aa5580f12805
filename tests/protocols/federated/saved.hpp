#pragma once

#include <cstdint>
#include <vector>

#include "protocols/federated/fedasync.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"

namespace troupe::federated {

/// A rule's state as it lies on disk.
using saved = std::vector<std::uint8_t>;

saved save(const fedasync& r);
saved save(const fedavg& r);
saved save(const fedbuff& r);

/// Throws std::runtime_error if the bytes make no rule.
void restore(fedasync& r, const saved& bytes);
void restore(fedavg& r, const saved& bytes);
void restore(fedbuff& r, const saved& bytes);

} // namespace troupe::federated
