#include "gpu/training/recipe.hpp"

#include <cmath>

namespace troupe::training {

float recipe::rate(std::uint64_t round) const noexcept {
  auto decay = std::pow(double{lr_decay}, static_cast<double>(round));
  return static_cast<float>(double{lr} * decay);
}

} // namespace troupe::training
