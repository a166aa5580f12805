#include "protocols/pipeline/formula.hpp"

namespace troupe::pipeline {

std::optional<ticks> idle_formula(const plan& x, const costs& at) noexcept {
  const auto behind = x.ranks - 1;
  const auto all = at.forward + at.backward + at.weight;
  const bool fills = x.micro_batches >= x.ranks;
  if (at.transfer > 0 || at.update > 0)
    return {};
  switch (x.how) {
  case policy::naive:
    return x.steps * x.micro_batches * behind * all;
  case policy::one_f_one_b:
    return x.steps * behind * all;
  case policy::gpipe:
    if (x.chunks > 1 && !fills)
      return {};
    return x.steps * behind * all;
  case policy::interleaved:
    if (x.chunks > 1 && x.micro_batches % x.ranks != 0)
      return {};
    return x.steps * behind * all;
  case policy::zb_h1:
    if (!fills || at.weight > at.forward || at.weight > at.backward)
      return {};
    return x.steps * behind * (at.forward + at.backward - at.weight);
  default:
    if (!fills && x.steps > 1)
      return {};
    return behind * all;
  }
}

std::optional<double> bubble_formula(const plan& x, const costs& at) noexcept {
  const auto idle = idle_formula(x, at);
  if (!idle)
    return {};
  const auto work =
      x.steps * x.units() * (at.forward + at.backward + at.weight);
  return work + *idle == 0
             ? 0.0
             : static_cast<double>(*idle) / static_cast<double>(work + *idle);
}

} // namespace troupe::pipeline
