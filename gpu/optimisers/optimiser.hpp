#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gpu/device_stream.hpp"
#include "gpu/optimisers/rate_schedule.hpp"

namespace troupe::gpu {

/// How a model's parameters follow a gradient that is there as a whole.
struct optimiser_options {
  enum class rule : std::uint8_t { sgd, adamw };

  rule kind = rule::adamw;
  float lr = 1e-3f;
  float momentum = 0.0f; ///< sgd
  bool nesterov = false; ///< sgd
  float beta1 = 0.9f;    ///< adamw
  float beta2 = 0.999f;  ///< adamw
  float epsilon = 1e-8f; ///< adamw
  float weight_decay = 0.0f;
  float clip = 0.0f; ///< largest norm of the whole gradient; 0: any
  rate_schedule rate{};

  friend bool operator==(
      const optimiser_options&, const optimiser_options&) = default;
};

/// One step after the other, as PyTorch has them, over any range of a flat
/// block: what a range becomes depends on that range alone, so that ranks may
/// have parts of it. With g the gradient times `scale`, w the parameters:
///
///     sgd      g = g + weight_decay w;  v = momentum v + g, v = g at first
///              w = w - rate (nesterov ? g + momentum v : momentum > 0 ? v : g)
///     adamw    w = w - rate weight_decay w                (Loshchilov and
///              m = beta1 m + (1 - beta1) g                 Hutter 2019,
///              v = beta2 v + (1 - beta2) g^2               algorithm 2)
///              w = w - rate (m / (1 - beta1^t))
///                      / (sqrt(v / (1 - beta2^t)) + epsilon),  t = step + 1
///
/// Square roots and divisions are those of IEEE 754, in vector bodies and
/// tails alike: where a range is cut changes no bit. Clipping is the caller's:
/// he knows the norm of the whole (`squared_norms`).
class optimiser {
public:
  virtual ~optimiser() = default;

  const optimiser_options& options() const noexcept { return options_; }
  /// What it keeps, a value for each parameter, by name: "momentum";
  /// "first_moment", "second_moment". All zeroes before the first step.
  virtual std::span<const char* const> states() const noexcept = 0;

  /// Step `number`, from 0 up, of a range: `gradient`, `parameters` and each
  /// of `state`, in the order of `states`, are of one size and on the stream's
  /// device. `gradient` is left as it was.
  virtual void step(device_stream& on, std::uint64_t number, float scale,
      std::span<const float> gradient, std::span<float> parameters,
      std::span<const std::span<float>> state) = 0;

protected:
  explicit optimiser(const optimiser_options& how) : options_(how) {}
  /// lr times what the schedule says of this step.
  float rate(std::uint64_t number) const noexcept {
    return static_cast<float>(double(options_.lr) * options_.rate.at(number));
  }

private:
  optimiser_options options_;
};

std::unique_ptr<optimiser> make_optimiser(const optimiser_options& how);

} // namespace troupe::gpu
