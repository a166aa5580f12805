#include "protocols/blocks.hpp"

#include <algorithm>
#include <memory>

namespace troupe {

named_blocks initial_blocks(
    const gpu::server_options& server, std::size_t size) {
  named_blocks result;
  for (auto name : gpu::state_names(server.rule)) {
    auto fresh = std::make_shared<gpu::buffer>(size);
    std::ranges::fill(fresh->span(), gpu::initial_state(server, name));
    result.push_back({std::string{name}, std::move(fresh)});
  }
  return result;
}

} // namespace troupe
