#include "gpu/optimisers/squared_norms.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "gpu/block.hpp"
#include "gpu/copy.hpp"
#include "gpu/operators/reductions.hpp"

namespace troupe::gpu {
namespace {

std::size_t tiles_in(std::size_t values) noexcept {
  return (values + tile_values - 1) / tile_values;
}

/// The place between two tiles that is nearest to `at`.
std::size_t nearest_border(const layout& views, std::size_t at) {
  const auto behind = std::ranges::upper_bound(
      views, at, {}, [](const parameter_view& x) { return x.offset; });
  if (behind == views.begin())
    return 0;
  const auto& inside = *std::prev(behind);
  const auto below = (at - inside.offset) / tile_values * tile_values;
  const auto above = std::min(below + tile_values, inside.size());
  const auto within = at - inside.offset;
  return inside.offset +
         (within - below <= above - std::min(above, within) ? below : above);
}

/// Tiles that end at `at`, a place between tiles, or before.
std::size_t tiles_before(const layout& views, std::size_t at) {
  std::size_t result = 0;
  for (const auto& view : views)
    if (view.offset < at)
      result += tiles_in(std::min(view.size(), at - view.offset));
  return result;
}

/// Calls visit(part) for the part of each view that lies in a range.
template <class Visit>
void each_part(const layout& views, const range& of, Visit visit) {
  const auto end = of.first + of.size;
  for (const auto& view : views) {
    const auto first = std::max(view.offset, of.first);
    const auto last = std::min(view.offset + view.size(), end);
    if (first >= last)
      continue;
    assert((first - view.offset) % tile_values == 0 &&
           "a range begins between tiles");
    visit(range{first - of.first, last - first});
  }
}

} // namespace

std::size_t tiles_of(const layout& views) noexcept {
  std::size_t result = 0;
  for (const auto& view : views)
    result += tiles_in(view.size());
  return result;
}

std::vector<range> cut_between_tiles(const layout& views, std::size_t parts) {
  const auto all = size(views);
  std::vector<range> result;
  std::size_t first = 0;
  for (std::size_t i = 0; i < parts; ++i) {
    const auto even = range_of(i, parts, all);
    const auto end = nearest_border(views, even.first + even.size);
    result.push_back({first, end - first});
    first = end;
  }
  return result;
}

range tiles_within(const layout& views, const range& of) {
  const auto first = tiles_before(views, of.first);
  return {first, tiles_before(views, of.first + of.size) - first};
}

void squared_norms(device_stream& on, const layout& views, const range& of,
    std::span<const float> values, std::span<double> sums) {
  assert(values.size() == of.size && "the range's own values");
  assert(sums.size() == tiles_within(views, of).size && "a sum a tile");
  auto there = block<double>(on.on_gpu() ? sums.size() : 0, on);
  auto left = on.on_gpu() ? there.span() : sums;
  each_part(views, of, [&](const range& part) {
    const auto tiles = tiles_in(part.size);
    sums_of_squares(on, part.of(values), tile_values, left.first(tiles));
    left = left.subspan(tiles);
  });
  if (on.on_gpu())
    copy<double>(on, there.span(), sums);
  on.synchronise();
}

double sum_in_order(std::span<const double> tiles) noexcept {
  double result = 0.0;
  for (auto tile : tiles)
    result += tile;
  return result;
}

float clip_scale(double squared_norm, float clip) noexcept {
  if (clip <= 0.0f)
    return 1.0f;
  const auto scale = double(clip) / (std::sqrt(squared_norm) + 1e-6);
  return scale >= 1.0 ? 1.0f : float(scale);
}

} // namespace troupe::gpu
