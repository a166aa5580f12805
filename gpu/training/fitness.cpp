#include "gpu/training/fitness.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "gpu/aggregation/not_finite.hpp"

namespace troupe::training {
namespace {

/// "1 x 28 x 28"
std::string extents_text(const std::vector<std::size_t>& shape) {
  std::string text;
  for (auto extent : shape)
    text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

std::vector<std::size_t> without_ones(std::vector<std::size_t> shape) {
  std::erase(shape, std::size_t{1});
  return shape;
}

} // namespace

bool takes(const models::model& what, const dataset& set) {
  const auto values = gpu::values_in(what.shape);
  if (what.shape.size() == 1 || (what.shape[0] == 1 && set.shape.size() == 1))
    return set.width() == values;
  return without_ones(set.shape) == without_ones(what.shape);
}

void check_fit(const models::model& what, const view& data) {
  if (data.empty())
    return;
  const auto& set = data.set();
  if (!takes(what, set))
    throw std::invalid_argument(
        "model " + what.name + " takes samples of " + extents_text(what.shape) +
        " values and the data have " + extents_text(set.shape));
  if (set.classes > what.classes)
    throw std::invalid_argument(
        "model " + what.name + " tells " + std::to_string(what.classes) +
        " classes apart and the data have " + std::to_string(set.classes));
}

void check_method(const recipe& how) {
  constexpr std::array all{"sgd", "fedprox", "fednova", "scaffold", "feddyn"};
  if (std::ranges::find(all, how.method) == all.end())
    throw std::invalid_argument(
        "method \"" + how.method +
        "\" is not one of sgd, fedprox, fednova, scaffold, feddyn");
}

void fail_step(std::uint64_t version, std::uint64_t step, double loss) {
  // A NaN's sign means nothing, and printf would show it.
  const auto* what = std::isnan(loss) ? "nan" : loss > 0 ? "inf" : "-inf";
  throw gpu::not_finite("at version " + std::to_string(version) +
                        ", the loss of step " + std::to_string(step) + " is " +
                        what + "; a lower lr or a clip may help");
}

} // namespace troupe::training
