#include "gpu/optimisers/optimiser.hpp"

#include "tests/gpu/aggregation/on_device.hpp"

#include "gpu/operators/descent.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

namespace troupe::gpu {
namespace {

using rule = optimiser_options::rule;
using tests::bits;
using tests::random_values;

constexpr std::uint64_t steps = 20;

/// What steps work on: parameters, and what an optimiser keeps.
struct block_set {
  std::vector<float> parameters;
  std::vector<std::vector<float>> states;
};

std::vector<std::uint32_t> bits(const block_set& all) {
  auto result = bits(all.parameters);
  for (const auto& state : all.states)
    for (auto value : bits(state))
      result.push_back(value);
  return result;
}

/// Gradients of all sizes, and some that are nothing at all.
std::vector<float> recorded_gradient(std::size_t size, std::uint64_t number) {
  auto result = random_values(size, 100 + number);
  for (std::size_t i = number; i < size; i += 9)
    result[i] = 0.0f;
  for (std::size_t i = number; i < size; i += 13)
    result[i] *= 1e-22f; // its square is no normal number
  return result;
}

block_set start(const optimiser_options& how, std::size_t size) {
  auto parameters = random_values(size, 1);
  for (auto& value : parameters)
    value = std::clamp(value, -1.0f, 1.0f);
  const auto kept = make_optimiser(how)->states().size();
  return {std::move(parameters),
      std::vector<std::vector<float>>(kept, std::vector<float>(size))};
}

std::vector<optimiser_options> all_rules() {
  return {{.kind = rule::sgd, .lr = 0.01f},
      {.kind = rule::sgd, .lr = 0.01f, .weight_decay = 0.1f},
      {.kind = rule::sgd, .lr = 0.01f, .momentum = 0.9f},
      {.kind = rule::sgd,
          .lr = 0.01f,
          .momentum = 0.9f,
          .nesterov = true,
          .weight_decay = 0.1f},
      {.lr = 0.01f},
      {.lr = 0.01f,
          .beta1 = 0.8f,
          .beta2 = 0.99f,
          .epsilon = 1e-4f,
          .weight_decay = 0.1f,
          .rate = {.how = decay::cosine, .warmup = 3, .steps = 15}}};
}

/// One value as the header writes it down, in double.
class exact {
public:
  exact(const optimiser_options& how, double w) : how_(how), w_(w) {}

  double step(std::uint64_t number, double g) {
    const auto rate = double(how_.lr) * how_.rate.at(number);
    const double decay = how_.weight_decay;
    if (how_.kind == rule::sgd) {
      g += decay * w_;
      v_ = double(how_.momentum) * v_ + g;
      return w_ -= rate * (how_.nesterov ? g + double(how_.momentum) * v_ : v_);
    }
    const double beta1 = how_.beta1, beta2 = how_.beta2;
    w_ -= rate * decay * w_;
    m_ = beta1 * m_ + (1.0 - beta1) * g;
    v_ = beta2 * v_ + (1.0 - beta2) * g * g;
    const auto t = double(number) + 1.0;
    return w_ -=
           rate * (m_ / (1.0 - std::pow(beta1, t))) /
           (std::sqrt(v_ / (1.0 - std::pow(beta2, t))) + double(how_.epsilon));
  }

private:
  optimiser_options how_;
  double w_, m_ = 0.0, v_ = 0.0;
};

/// The same in float, operation by operation: what every kernel's bits are.
void plain_step(const optimiser_options& how, std::uint64_t number, float scale,
    const std::vector<float>& gradient, block_set& all) {
  const auto rate = float(double(how.lr) * how.rate.at(number));
  const auto t = double(number) + 1.0;
  const auto first = 1.0 - std::pow(double(how.beta1), t);
  const auto second = 1.0 - std::pow(double(how.beta2), t);
  const auto adam_rate = float(double(rate) / first);
  const auto root = float(1.0 / std::sqrt(second));
  const auto keep = float(1.0 - double(rate) * double(how.weight_decay));
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    auto& w = all.parameters[i];
    auto g = scale * gradient[i];
    if (how.kind == rule::sgd) {
      g += how.weight_decay * w;
      auto along = g;
      if (how.momentum > 0.0f) {
        auto& v = all.states[0][i];
        v = how.momentum * v + g;
        along = how.nesterov ? g + how.momentum * v : v;
      }
      w -= rate * along;
      continue;
    }
    auto& m = all.states[0][i];
    auto& v = all.states[1][i];
    m = how.beta1 * m + (1.0f - how.beta1) * g;
    v = how.beta2 * v + (1.0f - how.beta2) * (g * g);
    w = keep * w - adam_rate * m / (root * std::sqrt(v) + how.epsilon);
  }
}

/// What a kernel may do that takes less care of a range's end than of its body.
struct loose_end {
  void operator()(block_set& all, std::size_t last) const {
    all.parameters[last] = std::nextafter(all.parameters[last], 2.0f);
  }
};

class optimiser_test : public tests::on_device {
protected:
  /// Step `number` of a part of all.
  void step(optimiser& by, std::uint64_t number, float scale,
      const std::vector<float>& gradient, block_set& all, std::size_t first,
      std::size_t count) {
    const range part{first, count};
    auto held = sent(part.of(std::span<float>{all.parameters}));
    const auto along = sent(part.of(std::span<const float>{gradient}));
    std::vector<buffer> states;
    std::vector<std::span<float>> spans;
    for (auto& state : all.states)
      states.push_back(sent(part.of(std::span<float>{state})));
    for (auto& state : states)
      spans.push_back(state.span());

    by.step(on, number, scale, along.span(), held.span(), spans);

    const auto back = [&](const buffer& from, std::vector<float>& to) {
      std::ranges::copy(fetched(from.span()), to.begin() + long(first));
    };
    back(held, all.parameters);
    for (std::size_t i = 0; i < states.size(); ++i)
      back(states[i], all.states[i]);
    EXPECT_EQ(bits(fetched(along.span())),
        bits(part.of(std::span<const float>{gradient})));
  }

  /// All steps, in pieces as long as `cut` has them; `end` sees each piece's.
  block_set steps_over(const optimiser_options& how,
      const std::function<std::size_t()>& cut,
      const std::function<void(block_set&, std::size_t)>& end = {}) {
    constexpr std::size_t size = 203;
    auto all = start(how, size);
    const auto by = make_optimiser(how);
    for (std::uint64_t number = 0; number < steps; ++number)
      for (std::size_t first = 0; first < size;) {
        const auto count = std::min(cut ? cut() : size, size - first);
        const auto gradient = recorded_gradient(size, number);
        step(*by, number, 1.5f, gradient, all, first, count);
        first += count;
        if (end && count > 0)
          end(all, first - 1);
      }
    return all;
  }
};

TROUPE_ON_EVERY_DEVICE(optimiser_test);

TEST_P(optimiser_test, follows_its_definition_in_double) {
  constexpr std::size_t size = 500;
  for (const auto& how : all_rules()) {
    auto all = start(how, size);
    std::vector<exact> expected;
    for (auto w : all.parameters)
      expected.emplace_back(how, double(w));
    const auto by = make_optimiser(how);

    for (std::uint64_t number = 0; number < steps; ++number) {
      const auto gradient = recorded_gradient(size, number);
      step(*by, number, 0.25f, gradient, all, 0, size);
      for (std::size_t i = 0; i < size; ++i) {
        const auto exactly =
            expected[i].step(number, 0.25 * double(gradient[i]));
        ASSERT_NEAR(
            all.parameters[i], exactly, 1e-6 * std::max(1.0, std::abs(exactly)))
            << "step " << number << ", value " << i;
      }
    }
  }
}

TEST_P(optimiser_test, has_the_bits_of_a_plain_loop_by_any_kernels) {
  constexpr std::size_t size = 333;
  for (const auto& how : all_rules()) {
    auto all = start(how, size);
    auto plain = all;
    const auto by = make_optimiser(how);

    for (std::uint64_t number = 0; number < steps; ++number) {
      const auto gradient = recorded_gradient(size, number);
      step(*by, number, 0.3f, gradient, all, 0, size);
      plain_step(how, number, 0.3f, gradient, plain);
    }

    EXPECT_EQ(bits(all), bits(plain));
  }
}

TEST_P(optimiser_test, changes_no_bit_wherever_a_range_is_cut) {
  for (const auto& how : all_rules()) {
    const auto whole = steps_over(how, {});
    random_stream random{5, stream::user};
    const auto cut = [&] { return random.below(40); };

    EXPECT_EQ(bits(steps_over(how, cut)), bits(whole));
    EXPECT_NE(bits(steps_over(how, cut, loose_end{})), bits(whole));
  }
}

TEST_P(optimiser_test, takes_the_steps_of_gpu_sgd_where_both_mean_the_same) {
  constexpr std::size_t size = 333;
  for (auto momentum : {0.0f, 0.9f}) {
    const optimiser_options how{
        .kind = rule::sgd, .lr = 0.01f, .momentum = momentum};
    const descent same{.lr = 0.01f, .momentum = momentum};
    auto all = start(how, size);
    auto parameters = sent(all.parameters);
    auto velocity = poisoned(size);
    const auto by = make_optimiser(how);

    for (std::uint64_t number = 0; number < steps; ++number) {
      const auto gradient = recorded_gradient(size, number);
      auto along = sent(gradient);
      step(*by, number, 1.0f, gradient, all, 0, size);
      descend(on, same, along.span(), number > 0, velocity.span(),
          parameters.span());
    }

    EXPECT_EQ(bits(all.parameters), bits(fetched(parameters.span())));
  }
}

TEST(optimisers_test, name_what_they_keep) {
  using names = std::vector<std::string>;
  const auto of = [](const optimiser_options& how) {
    const auto states = make_optimiser(how)->states();
    return names(states.begin(), states.end());
  };

  EXPECT_EQ(of({.kind = rule::sgd}), names{});
  EXPECT_EQ(of({.kind = rule::sgd, .momentum = 0.9f}), names{"momentum"});
  EXPECT_EQ(of({}), (names{"first_moment", "second_moment"}));
}

} // namespace
} // namespace troupe::gpu
