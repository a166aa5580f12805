#include "gpu/training/recipe.hpp"

#include <cmath>

namespace troupe::training {

float recipe::rate(std::uint64_t round) const noexcept {
  auto decay = std::pow(double{lr_decay}, static_cast<double>(round));
  return static_cast<float>(double{lr} * decay);
}

recipe recipe::with_work(std::uint32_t amount) const {
  auto result = *this;
  if (amount > 0)
    (steps > 0 ? result.steps : result.epochs) = amount;
  return result;
}

} // namespace troupe::training
