#include "gpu/optimisers/sgd.hpp"

#include "gpu/copy.hpp"

namespace troupe::gpu {

sgd::sgd(options how, std::size_t size) : how_(how), size_(size) {}

void sgd::restart(
    device_stream& on, options how, std::span<const float> correction) {
  how_ = how;
  moving_ = false;
  corrects_ = !correction.empty();
  if (corrects_)
    copy<float>(on, correction, made(on, correction_).span());
}

gradient_sink sgd::sink(device_stream& on, std::span<float> parameters,
    std::size_t part, std::size_t parts) {
  folded_ = parts == 1 && how_.momentum == 0.0f && how_.clip == 0.0f &&
            how_.pull == 0.0f && !corrects_;
  if (folded_)
    return {parameters, -how_.lr, 1.0f - how_.lr * how_.weight_decay};
  return {made(on, gradient_).span(), 1.0f, part == 0 ? 0.0f : 1.0f};
}

void sgd::step(device_stream& on, std::span<float> parameters) {
  if (folded_)
    return;
  const auto velocity =
      how_.momentum > 0.0f ? made(on, velocity_).span() : std::span<float>{};
  const auto start =
      how_.pull > 0.0f ? made(on, start_).span() : std::span<float>{};
  if (how_.pull > 0.0f && !moving_)
    copy<float>(on, parameters, start);
  drift more{start, {}};
  if (corrects_)
    more.correction = correction_.span();
  descend(on, how_, gradient_.span(), moving_, velocity, parameters, more);
  moving_ = true;
}

buffer& sgd::made(device_stream& on, buffer& which) const {
  if (which.size() != size_)
    which = buffer{size_, on};
  return which;
}

} // namespace troupe::gpu
