#include "gpu/optimisers/sgd.hpp"

#include "gpu/operators/reductions.hpp"
#include "gpu/operators/vectors.hpp"

#include <cmath>

namespace troupe::gpu {

sgd::sgd(options how, std::size_t size, device where)
    : how_(how), size_(size), where_(where) {}

void sgd::restart(options how) noexcept {
  how_ = how;
  moving_ = false;
}

gradient_sink sgd::sink(
    std::span<float> parameters, std::size_t part, std::size_t parts) {
  folded_ = parts == 1 && how_.momentum == 0.0f && how_.clip == 0.0f;
  if (folded_)
    return {parameters, -how_.lr, 1.0f - how_.lr * how_.weight_decay};
  return {made(gradient_).span(), 1.0f, part == 0 ? 0.0f : 1.0f};
}

void sgd::step(device_stream& on, std::span<float> parameters) {
  if (folded_)
    return;
  auto direction = gradient_.span();
  auto scale = 1.0f;
  if (how_.clip > 0.0f) {
    const auto norm = std::sqrt(sum_of_squares(on, direction));
    if (norm > how_.clip)
      scale = float(how_.clip / norm);
  }
  if (how_.momentum > 0.0f) {
    const auto velocity = made(velocity_).span();
    scale_and_add(
        on, scale, direction, moving_ ? how_.momentum : 0.0f, velocity);
    scale_and_add(on, how_.weight_decay, parameters, 1.0f, velocity);
    moving_ = true;
    scale_and_add(on, -how_.lr, velocity, 1.0f, parameters);
    return;
  }
  scale_and_add(on, -how_.lr * scale, direction,
      1.0f - how_.lr * how_.weight_decay, parameters);
}

buffer& sgd::made(buffer& which) const {
  if (which.size() != size_)
    which = buffer{size_, where_};
  return which;
}

} // namespace troupe::gpu
