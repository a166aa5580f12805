#include "gpu/optimisers/sgd.hpp"

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
  const auto velocity =
      how_.momentum > 0.0f ? made(velocity_).span() : std::span<float>{};
  descend(on, how_, gradient_.span(), moving_, velocity, parameters);
  moving_ = true;
}

buffer& sgd::made(buffer& which) const {
  if (which.size() != size_)
    which = buffer{size_, where_};
  return which;
}

} // namespace troupe::gpu
