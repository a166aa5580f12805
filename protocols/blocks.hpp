#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/aggregation/server_step.hpp"
#include "protocols/ids.hpp"
#include "protocols/tensor.hpp"

namespace troupe {

/// What a version has beside its parameters, by name; on the host. A server
/// keeps some of as many values: "momentum", "variance"
/// (`gpu::state_names`).
struct named_block {
  std::string name;
  tensor values;

  template <class Inspector>
  friend bool inspect(Inspector& f, named_block& x) {
    return f.object(x).fields(
        f.field("name", x.name), f.field("values", x.values));
  }
};
using named_blocks = std::vector<named_block>;

/// The name of an earlier version's parameters, that leases start from.
std::string base_block(version_id version);
/// Which version's they are; none: it is another block.
std::optional<version_id> base_of(std::string_view name) noexcept;

/// What a server keeps of a model of `size` parameters, as it begins.
named_blocks initial_blocks(
    const gpu::server_options& server, std::size_t size);

} // namespace troupe
