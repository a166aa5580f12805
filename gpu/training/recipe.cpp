#include "gpu/training/recipe.hpp"

#include <cassert>
#include <cmath>

namespace troupe::training {

float recipe::rate(std::uint64_t round) const noexcept {
  auto decay = std::pow(double{lr_decay}, static_cast<double>(round));
  return static_cast<float>(double{lr} * decay);
}

float recipe::pull() const noexcept {
  return method == "fedprox" ? mu : method == "feddyn" ? alpha : 0.0f;
}

recipe recipe::with_work(std::uint32_t amount) const {
  auto result = *this;
  if (amount > 0)
    (steps > 0 ? result.steps : result.epochs) = amount;
  return result;
}

double amount_of(std::uint64_t steps, double momentum) noexcept {
  assert(momentum >= 0.0 && momentum < 1.0);
  const auto count = static_cast<double>(steps);
  const auto rest = 1.0 - momentum;
  const auto lost = momentum * (1.0 - std::pow(momentum, count)) / rest;
  return (count - lost) / rest;
}

} // namespace troupe::training
