#include "gpu/layout.hpp"

#include <functional>
#include <numeric>
#include <utility>

namespace troupe::gpu {

std::size_t values_in(const std::vector<std::size_t>& shape) noexcept {
  return std::accumulate(
      shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>{});
}

std::size_t parameter_view::size() const noexcept {
  return values_in(shape);
}

std::size_t size(const layout& views) noexcept {
  return views.empty() ? 0 : views.back().offset + views.back().size();
}

std::size_t append(
    layout& views, std::string name, std::vector<std::size_t> shape) {
  const auto offset = size(views);
  views.push_back({std::move(name), std::move(shape), offset});
  return offset;
}

} // namespace troupe::gpu
