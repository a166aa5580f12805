#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gpu/aggregation/server_step.hpp"
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

/// What a server keeps of a model of `size` parameters, as it begins.
named_blocks initial_blocks(
    const gpu::server_options& server, std::size_t size);

} // namespace troupe
