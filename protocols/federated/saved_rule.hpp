#pragma once

#include <optional>

#include <caf/byte_buffer.hpp>

#include "protocols/federated/rule.hpp"
#include "protocols/federated/virtual_order.hpp"

namespace troupe::federated {

/// A rule, and the order in which it hears of results where that is a virtual
/// one, as one state.
caf::byte_buffer save(const rule& x, const std::optional<virtual_order>& order);

/// Into a rule of the same kind, in the same order; false: these bytes are no
/// state of it.
bool load(const caf::byte_buffer& bytes, rule& x,
    std::optional<virtual_order>& order);

} // namespace troupe::federated
