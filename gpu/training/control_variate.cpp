#include "gpu/training/control_variate.hpp"

#include <memory>
#include <stdexcept>
#include <string>

namespace troupe::training {
namespace {

void check_size(const gpu::shared_buffer& block, std::size_t parameters) {
  if (block && block->size() != parameters)
    throw std::invalid_argument(
        "a control variate has " + std::to_string(block->size()) +
        " values, the model has " + std::to_string(parameters) + " parameters");
}

} // namespace

gpu::shared_buffer correction(const recipe& how, const gpu::shared_buffer& own,
    const gpu::shared_buffer& server, std::size_t parameters) {
  if (!how.keeps_variates())
    return nullptr;
  const auto added = how.method == "scaffold" ? server : nullptr;
  check_size(own, parameters);
  check_size(added, parameters);
  if (!own)
    return added;
  auto result = std::make_shared<gpu::buffer>(parameters);
  const auto to = result->span();
  for (std::size_t i = 0; i < parameters; ++i)
    to[i] = (added ? added->span()[i] : 0.0f) - own->span()[i];
  return result;
}

gpu::shared_buffer next_variate(const recipe& how, std::uint64_t version,
    const gpu::shared_buffer& own, const gpu::shared_buffer& correction,
    std::span<const float> delta, std::uint64_t steps) {
  const auto moves =
      how.method == "feddyn" || how.rate(version) > 0.0f; // else it is no mean
  if (steps == 0 || !moves)
    return own;
  const auto scale = how.method == "feddyn"
                         ? double{how.alpha}
                         : 1.0 / (double{how.rate(version)} *
                                     amount_of(steps, double{how.momentum}));
  auto result = std::make_shared<gpu::buffer>(delta.size());
  const auto to = result->span();
  for (std::size_t i = 0; i < delta.size(); ++i) {
    const auto added = correction ? double{correction->span()[i]} : 0.0;
    to[i] = static_cast<float>(-added - scale * double{delta[i]});
  }
  return result;
}

} // namespace troupe::training
