#include "gpu/training/fitness.hpp"

#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>

namespace troupe::training {
namespace {

/// "1 x 28 x 28"
std::string extents_text(const std::vector<std::size_t>& shape) {
  std::string text;
  for (auto extent : shape)
    text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

} // namespace

void check_fit(const models::model& what, const view& data) {
  if (data.empty())
    return;
  const auto& set = data.set();
  const auto fits = what.shape.size() == 1 ? set.width() == what.shape[0]
                                           : set.shape == what.shape;
  if (!fits)
    throw std::invalid_argument(
        "model " + what.name + " takes samples of " + extents_text(what.shape) +
        " values and the data have " + extents_text(set.shape));
  if (set.classes > what.classes)
    throw std::invalid_argument(
        "model " + what.name + " tells " + std::to_string(what.classes) +
        " classes apart and the data have " + std::to_string(set.classes));
}

void fail_step(std::uint64_t version, std::uint64_t step, double loss) {
  // A NaN's sign means nothing, and printf would show it.
  const auto* what = std::isnan(loss) ? "nan" : loss > 0 ? "inf" : "-inf";
  throw std::runtime_error("at version " + std::to_string(version) +
                           ", the loss of step " + std::to_string(step) +
                           " is " + what + "; a lower lr or a clip may help");
}

} // namespace troupe::training
