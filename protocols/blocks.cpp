#include "protocols/blocks.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

namespace troupe {

namespace {

constexpr std::string_view of_version = "version-";

} // namespace

std::string base_block(version_id version) {
  return std::string{of_version} + std::to_string(version);
}

std::optional<version_id> base_of(std::string_view name) noexcept {
  if (!name.starts_with(of_version))
    return std::nullopt;
  name.remove_prefix(of_version.size());
  version_id result = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), result);
  if (error != std::errc{} || end != name.data() + name.size())
    return std::nullopt;
  return result;
}

named_blocks initial_blocks(
    const gpu::server_options& server, std::size_t size) {
  named_blocks result;
  for (auto name : gpu::state_names(server)) {
    auto fresh = std::make_shared<gpu::buffer>(size);
    std::ranges::fill(fresh->span(), gpu::initial_state(server, name));
    result.push_back({std::string{name}, std::move(fresh)});
  }
  return result;
}

} // namespace troupe
