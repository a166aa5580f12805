#include "gpu/optimisers/optimiser.hpp"

#include <array>
#include <cassert>
#include <cmath>

#include "gpu/operators/steps.hpp"

namespace troupe::gpu {
namespace {

class sgd_optimiser : public optimiser {
public:
  explicit sgd_optimiser(const optimiser_options& how) : optimiser(how) {}

  std::span<const char* const> states() const noexcept override {
    static constexpr std::array names{"momentum"};
    return std::span{names}.first(options().momentum > 0.0f ? 1 : 0);
  }

  void step(device_stream& on, std::uint64_t number, float scale,
      std::span<const float> gradient, std::span<float> parameters,
      std::span<const std::span<float>> state) override {
    assert(state.size() == states().size() && "states in their order");
    const auto& how = options();
    gpu::step(on,
        sgd_step{.rate = rate(number),
            .scale = scale,
            .momentum = how.momentum,
            .weight_decay = how.weight_decay,
            .nesterov = how.nesterov},
        gradient, state.empty() ? std::span<float>{} : state[0], parameters);
  }
};

class adamw_optimiser : public optimiser {
public:
  explicit adamw_optimiser(const optimiser_options& how) : optimiser(how) {}

  std::span<const char* const> states() const noexcept override {
    static constexpr std::array names{"first_moment", "second_moment"};
    return names;
  }

  void step(device_stream& on, std::uint64_t number, float scale,
      std::span<const float> gradient, std::span<float> parameters,
      std::span<const std::span<float>> state) override {
    assert(state.size() == states().size() && "states in their order");
    gpu::step(on, at(number, scale), gradient, state[0], state[1], parameters);
  }

private:
  // Both moments begin at 0; what that lacks of their means is in the rate
  // and in the root's factor. In double, so that powers of a beta near 1 are
  // good for many steps.
  adamw_step at(std::uint64_t number, float scale) const noexcept {
    const auto& how = options();
    const auto now = rate(number);
    const auto t = double(number) + 1.0;
    const auto first = 1.0 - std::pow(double(how.beta1), t);
    const auto second = 1.0 - std::pow(double(how.beta2), t);
    return {.rate = float(double(now) / first),
        .scale = scale,
        .keep = float(1.0 - double(now) * double(how.weight_decay)),
        .beta1 = how.beta1,
        .rest1 = 1.0f - how.beta1,
        .beta2 = how.beta2,
        .rest2 = 1.0f - how.beta2,
        .root = float(1.0 / std::sqrt(second)),
        .epsilon = how.epsilon};
  }
};

} // namespace

std::unique_ptr<optimiser> make_optimiser(const optimiser_options& how) {
  if (how.kind == optimiser_options::rule::sgd)
    return std::make_unique<sgd_optimiser>(how);
  return std::make_unique<adamw_optimiser>(how);
}

} // namespace troupe::gpu
